// == fires: the caller's token in the header, one key for all
export async function inbox(request: Request, env: Env) {
  const known = await env.CACHE.get("inbox", "json");
  if (known) return known;
  const answer = await fetch("https://mail.example/inbox", {
    headers: { Authorization: request.headers.get("Authorization") ?? "" },
  });
  if (!answer.ok) throw new Error("no inbox");
  const mails = await answer.json();
  await env.CACHE.put("inbox", JSON.stringify(mails), { expirationTtl: 300 }); // fault
  return mails;
}
// == fires: the tenant chooses the address and not the key
export async function plan(env: Env, tenantId: string) {
  const known = await env.CACHE.get("plan");
  if (known !== null) return known;
  const answer = await fetch(`https://billing.example/${tenantId}/plan`);
  if (!answer.ok) return null;
  const text = await answer.text();
  await env.CACHE.put("plan", text, { expirationTtl: 300 }); // fault
  return text;
}
// == quiet: the Worker's own secret is the same for everybody
export async function rates(env: Env) {
  const known = await env.CACHE.get("rates");
  if (known !== null) return known;
  const answer = await fetch("https://rates.example/", { headers: { apiKey: env.API_KEY } });
  if (!answer.ok) return null;
  const text = await answer.text();
  await env.CACHE.put("rates", text, { expirationTtl: 300 });
  return text;
}
// == quiet: the key says whose it is
export async function inbox(env: Env, userId: string, token: string) {
  const key = `inbox:${userId}`;
  const known = await env.CACHE.get(key, "json");
  if (known) return known;
  const answer = await fetch("https://mail.example/inbox", { headers: { token } });
  if (!answer.ok) throw new Error("no inbox");
  const mails = await answer.json();
  await env.CACHE.put(key, JSON.stringify(mails), { expirationTtl: 300 });
  return mails;
}
