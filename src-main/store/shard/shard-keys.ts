/** Keys that say which part of a model a file holds; llama.cpp ignores them. */
export const SHARD_KEYS = {
  prefix: 'omninode.shard.', format: 'omninode.shard.format', firstLayer: 'omninode.shard.first_layer', lastLayer: 'omninode.shard.last_layer',
  totalLayers: 'omninode.shard.total_layers', embedding: 'omninode.shard.embedding', head: 'omninode.shard.head', vocabSize: 'omninode.shard.vocab_size',
  /** Set where no layer of the shard uses the model's sliding window. */
  windowless: 'omninode.shard.windowless',
  /** Prefix of the model's own value of a key that had to be changed. */
  original: 'omninode.shard.original.',
} as const;
