/** What opens something, by its shape: invitations, keys to the API and to pages, tokens of hubs, PEM. */
const SHAPES: ReadonlyArray<readonly [RegExp, string]> = [
  [/omni:\/\/join\/[\w~.%+/=-]+/g, 'omni://join/[secret]'],
  [/\bomni_[0-9a-f]{12}_[\w-]{20,}/g, '[secret]'],
  [/\bhf_[A-Za-z0-9]{8,}/g, '[secret]'],
  [/([#?&]key=)[\w%-]+/g, '$1[secret]'],
  [/\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi, '$1 [secret]'],
  [/\bkey\.[\w-]{16,}/g, 'key.[secret]'],
  [/-----BEGIN [A-Z ]+-----[\s\S]*?(?:-----END [A-Z ]+-----|$)/g, '[secret]'],
];
const SECRET_NAME = /token$|secret|passw|mnemonic|authorization|cookie|private_?key|zone_?key|api_?key|^key$|^link$/i;
/** What people and models say. `message` and `msg` are the log's own words. */
const SAID_NAME = /^(messages|content|prompt|prompts|question|answer|draft|system|text|texts|delta|input)$/i;
const MAX_DEPTH = 6;
const MAX_ENTRIES = 64;

/** Takes out of a text what opens something, and every text of `known`. */
export function scrubText(text: string, known: readonly string[] = []): string {
  const shaped = SHAPES.reduce((rest, [shape, instead]) => rest.replace(shape, instead), text);
  return known.filter((secret) => secret.length >= 8).reduce((rest, secret) => rest.replaceAll(secret, '[secret]'), shaped);
}

/** The same in a value of JSON, where names tell secrets and what was said in chats too. Deep and long ones are cut. */
export function scrubValue(value: unknown, known: readonly string[] = [], depth = 0): unknown {
  if (typeof value === 'string') return scrubText(value, known);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) return '[cut]';
  if (Array.isArray(value)) return value.slice(0, MAX_ENTRIES).map((one) => scrubValue(one, known, depth + 1));
  return Object.fromEntries(Object.entries(value).slice(0, MAX_ENTRIES).map(([name, one]) => [name, scrubNamed(name, one, { known, depth })]));
}

function scrubNamed(name: string, value: unknown, { known, depth }: { readonly known: readonly string[]; readonly depth: number }): unknown {
  const isFigure = typeof value === 'number' || typeof value === 'boolean' || value === null;
  if (isFigure) return value;
  if (SECRET_NAME.test(name)) return '[secret]';
  return SAID_NAME.test(name) ? '[left out]' : scrubValue(value, known, depth + 1);
}
