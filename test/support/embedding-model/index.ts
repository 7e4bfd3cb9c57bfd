import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { randomEncoder, type Encoder, type EncoderShape } from './encoder.ts';
import { onnxFile } from './onnx.ts';

/** Words of the test models; a word that is not among them becomes [UNK]. */
const WORDS = ['the', 'dog', 'cat', 'man', 'bites', 'sees', 'a', 'shard', 'of', 'model', '##s', '.'] as const;
const VOCABULARY = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', ...WORDS] as const;

export const MAX_TOKENS = 16;
export const HIDDEN_SIZE = 24;

export const tokenId = (token: string): number => VOCABULARY.indexOf(token as (typeof VOCABULARY)[number]);

export interface TestModelOptions extends Partial<Pick<EncoderShape, 'blocks' | 'seed' | 'output'>> {
  readonly folder: string;
  /** Name of the weights' file; what is in it is full precision in any case. */
  readonly weightFile?: string;
}

/** Writes a whole embedding model into `folder`, a few kilobytes of random weights: what transformers.js reads of a real one. */
export async function writeEmbeddingModel({ folder, weightFile = 'onnx/model.onnx', blocks = 1, seed = 1, ...rest }: TestModelOptions): Promise<Encoder> {
  const encoder = randomEncoder({ vocabSize: VOCABULARY.length, positions: MAX_TOKENS, hiddenSize: HIDDEN_SIZE, blocks, seed, ...rest });
  await mkdir(join(folder, 'onnx'), { recursive: true });
  const json = (file: string, value: object): Promise<void> => writeFile(join(folder, file), JSON.stringify(value));
  await json('config.json', {
    model_type: 'bert', architectures: ['BertModel'], vocab_size: VOCABULARY.length, hidden_size: HIDDEN_SIZE, num_hidden_layers: blocks,
    num_attention_heads: 1, intermediate_size: HIDDEN_SIZE * 2, max_position_embeddings: MAX_TOKENS, type_vocab_size: 2,
  });
  // A limit beyond the model's positions, as some exports have.
  await json('tokenizer_config.json', { tokenizer_class: 'BertTokenizer', model_max_length: 1e30, do_lower_case: true, pad_token: '[PAD]', unk_token: '[UNK]', cls_token: '[CLS]', sep_token: '[SEP]' });
  await json('tokenizer.json', tokenizer());
  await writeFile(join(folder, weightFile), onnxFile(encoder.graph));
  return encoder;
}

const special = (content: string): object => ({ id: tokenId(content), content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true });

const tokenizer = (): object => ({
  version: '1.0', truncation: null, padding: null,
  added_tokens: VOCABULARY.slice(0, 4).map(special),
  normalizer: { type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true, strip_accents: null, lowercase: true },
  pre_tokenizer: { type: 'BertPreTokenizer' },
  post_processor: {
    type: 'TemplateProcessing',
    single: [{ SpecialToken: { id: '[CLS]', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }, { SpecialToken: { id: '[SEP]', type_id: 0 } }],
    pair: [],
    special_tokens: Object.fromEntries(['[CLS]', '[SEP]'].map((id) => [id, { id, ids: [tokenId(id)], tokens: [id] }])),
  },
  decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
  model: { type: 'WordPiece', unk_token: '[UNK]', continuing_subword_prefix: '##', max_input_chars_per_word: 100, vocab: Object.fromEntries(VOCABULARY.map((token, id) => [token, id])) },
});
