const MIB = 1024 * 1024;

/** Largest files of a model. The tokenizer of a multilingual model has some 17 MB; ONNX keeps at most 2 GiB in one file. */
export const MAX_FILE_BYTES = { 'config.json': MIB, 'tokenizer_config.json': 4 * MIB, 'tokenizer.json': 64 * MIB, weights: 2048 * MIB } as const;

/** Texts of one call. */
export const MAX_TEXTS = 10_000;

/** UTF-16 units of one text: more than any model's tokens, and still tokenised in a moment. */
export const MAX_TEXT_CHARACTERS = 200_000;
