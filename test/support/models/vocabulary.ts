import { bool, f32Array, i32Array, str, stringArray, u32, type GgufValue } from '../../../src-main/store/index.ts';

export type VocabularyKind = 'spm' | 'bpe';

/** Smallest vocabulary that holds the byte tokens, the specials and some words. */
export const MIN_VOCABULARY = 320;

export const CHATML = "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

const TYPE = { normal: 1, unknown: 2, control: 3, byte: 6 } as const;
type Entry = readonly [text: string, type: number];

const words = ['the', 'of', 'and', 'to', 'in', 'is', 'a', 'that', 'it', 'node', 'layer', 'model', 'token', 'peer', 'how', 'what', 'once', 'upon', 'time'];

// Unique filler pieces: base-26 letter strings long enough not to meet the single letters.
function filler(index: number): string {
  let rest = index + 26 ** 2;
  let text = '';
  while (rest > 0) {
    text = String.fromCharCode(97 + (rest % 26)) + text;
    rest = Math.floor(rest / 26);
  }
  return text;
}

function fill(entries: Entry[], size: number, piece: (index: number) => string): Entry[] {
  const seen = new Set(entries.map(([text]) => text));
  for (let index = 0; entries.length < size; index++) {
    const text = piece(index);
    if (!seen.has(text)) entries.push([text, TYPE.normal]);
    seen.add(text);
  }
  return entries.slice(0, size);
}

function spmEntries(size: number): Entry[] {
  const specials: Entry[] = [['<unk>', TYPE.unknown], ['<s>', TYPE.control], ['</s>', TYPE.control], ['<|im_start|>', TYPE.control], ['<|im_end|>', TYPE.control], ['<|endoftext|>', TYPE.control]];
  const bytes = Array.from({ length: 256 }, (_, b): Entry => [`<0x${b.toString(16).toUpperCase().padStart(2, '0')}>`, TYPE.byte]);
  const letters = ['▁', ...'etaoinshrdlucmfwypvbgkjqxz.,?!'].map((text): Entry => [text, TYPE.normal]);
  const pieces = words.map((word): Entry => [`▁${word}`, TYPE.normal]);
  return fill([...specials, ...bytes, ...letters, ...pieces], size, (index) => `▁${filler(index)}`);
}

// GPT-2's reversible byte alphabet: printable bytes stand for themselves, the others for U+0100 and on.
function byteAlphabet(): string[] {
  const printable = (b: number): boolean => (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_, b) => String.fromCodePoint(printable(b) ? b : next++));
}

/** Tokens are the bytes, then what each merge makes, then the specials, as in real BPE files. */
function bpeTables(size: number): { entries: Entry[]; merges: string[] } {
  const specials = ['<|endoftext|>', '<|im_start|>', '<|im_end|>'].map((text): Entry => [text, TYPE.control]);
  const entries = byteAlphabet().map((text): Entry => [text, TYPE.normal]);
  const seen = new Set(entries.map(([text]) => text));
  const merges: string[] = [];
  for (const word of [...words, ...Array.from({ length: size }, (_, index) => filler(index))]) {
    const text = `Ġ${word}`;
    for (let end = 2; end <= text.length && entries.length + specials.length < size; end++) {
      const made = text.slice(0, end);
      if (seen.has(made)) continue;
      seen.add(made);
      merges.push(`${made.slice(0, -1)} ${made.slice(-1)}`);
      entries.push([made, TYPE.normal]);
    }
  }
  return { entries: [...entries, ...specials], merges };
}

/** Tokenizer metadata of a vocabulary with exactly `size` tokens and a ChatML template. */
export function vocabularyMetadata(kind: VocabularyKind, size: number, pre: string): [string, GgufValue][] {
  return kind === 'spm' ? spmMetadata(size) : bpeMetadata(size, pre);
}

function spmMetadata(size: number): [string, GgufValue][] {
  const entries = spmEntries(size);
  return [
    ['tokenizer.ggml.model', str('llama')],
    ['tokenizer.ggml.tokens', stringArray(entries.map(([text]) => text))],
    ['tokenizer.ggml.scores', f32Array(entries.map((_, index) => -index))],
    ['tokenizer.ggml.token_type', i32Array(entries.map(([, type]) => type))],
    ['tokenizer.ggml.bos_token_id', u32(1)], ['tokenizer.ggml.eos_token_id', u32(2)], ['tokenizer.ggml.unknown_token_id', u32(0)],
    ['tokenizer.ggml.add_bos_token', bool(true)], ['tokenizer.ggml.add_eos_token', bool(false)],
    ['tokenizer.chat_template', str(CHATML)],
  ];
}

function bpeMetadata(size: number, pre: string): [string, GgufValue][] {
  const { entries, merges } = bpeTables(size);
  return [
    ['tokenizer.ggml.model', str('gpt2')], ['tokenizer.ggml.pre', str(pre)],
    ['tokenizer.ggml.tokens', stringArray(entries.map(([text]) => text))],
    ['tokenizer.ggml.token_type', i32Array(entries.map(([, type]) => type))],
    ['tokenizer.ggml.merges', stringArray(merges)],
    ['tokenizer.ggml.bos_token_id', u32(size - 3)], ['tokenizer.ggml.eos_token_id', u32(size - 1)],
    ['tokenizer.ggml.add_bos_token', bool(false)],
    ['tokenizer.chat_template', str(CHATML)],
  ];
}
