// == fires: the keys of an issuer
export default {
  async fetch(request: Request): Promise<Response> {
    return new Response(String(await check(request.headers.get("authorization") ?? "")));
  },
};
const JWKS = "https://issuer.example/.well-known/jwks.json";
async function check(token: string) {
  const keys = await (await fetch(JWKS)).json(); // fault
  return verify(token, keys);
}
// == quiet: kept in a variable
let cachedKeys: Keys | undefined;
export async function check(request: Request) {
  cachedKeys ??= await (await fetch("https://issuer.example/.well-known/jwks.json")).json();
  return verify(request, cachedKeys);
}
// == quiet: what changes with each request
export async function load(request: Request) {
  return fetch(`https://api.example${new URL(request.url).pathname}`);
}
// == quiet: a service that is called a discovery
export default {
  async fetch(request: Request): Promise<Response> {
    const offers = await fetch("https://api.example/discovery/restaurants");
    return Response.json(await offers.json());
  },
};
// == quiet: a promise of the module, forgotten when it fails
let keys: Promise<Keys> | undefined;
function signingKeys(): Promise<Keys> {
  keys ??= fetch("https://issuer.example/.well-known/jwks.json")
    .then((answer) => answer.json())
    .catch((error) => {
      keys = undefined;
      throw error;
    });
  return keys;
}
export async function check(request: Request) {
  return verify(request, await signingKeys());
}
// == quiet: set in the module once they are there
let known: Keys;
export async function check(request: Request) {
  if (!known) {
    const answer = await fetch("https://issuer.example/.well-known/jwks.json");
    known = await answer.json();
  }
  return verify(request, known);
}
// == fires: a variable of the handler is gone with it
export default {
  async fetch(request: Request): Promise<Response> {
    let keys;
    keys = await (await fetch("https://issuer.example/.well-known/jwks.json")).json(); // fault
    return new Response(String(verify(request, keys)));
  },
};
