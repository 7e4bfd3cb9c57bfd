// Text <-> tokens with a model's own vocabulary; loads no weights.
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "llama.h"

namespace omninode {

class Vocab {
 public:
  // Throws Failure(load_failed) when the file has no vocabulary.
  explicit Vocab(const std::string& path);
  ~Vocab();
  Vocab(const Vocab&) = delete;
  Vocab& operator=(const Vocab&) = delete;

  int32_t size() const;
  std::vector<int32_t> end_tokens() const;
  std::vector<int32_t> tokenize(const std::string& text, bool add_special, bool parse_special) const;
  // The raw bytes of one token; control tokens are empty unless `special`.
  std::string token_bytes(int32_t token, bool special) const;
  // What every token spells, as Spelling reads it.
  std::string spelling() const;
  // Messages are (role, content). Throws Failure(no_chat_template) when the model has none that llama.cpp knows.
  std::string apply_template(const std::vector<std::pair<std::string, std::string>>& messages, bool add_assistant) const;

 private:
  llama_model* model_;
  const llama_vocab* vocab_;
};

}  // namespace omninode
