export async function origin(key: string): Promise<string> {
  const response = await fetch(`https://api.example.com${key}`);
  return response.text();
}
