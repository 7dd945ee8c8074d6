// Runs scenarios one after the other; prints {name: {value}} or {name: {error}} as JSON.
export async function run(scenarios) {
  const results = {};
  for (const [name, scenario] of Object.entries(scenarios)) {
    try {
      results[name] = { value: (await scenario()) ?? null };
    } catch (error) {
      const { name: type, message, errorCode, code, body } = error;
      results[name] = { error: { type, message, errorCode, code, body, stack: error.stack } };
    }
  }
  process.stdout.write(JSON.stringify(results));
}
