#include "vocab.h"

#include "backend.h"
#include "errors.h"
#include "spelling.h"

namespace omninode {

Vocab::Vocab(const std::string& path) {
  take_log();
  llama_model_params params = llama_model_default_params();
  params.vocab_only = true;
  model_ = llama_model_load_from_file(path.c_str(), params);
  if (model_ == nullptr) throw Failure(Code::load_failed, take_log());
  vocab_ = llama_model_get_vocab(model_);
  if (llama_vocab_type(vocab_) != LLAMA_VOCAB_TYPE_NONE) return;
  llama_model_free(model_);
  throw Failure(Code::load_failed, "the file has no vocabulary");
}

Vocab::~Vocab() { llama_model_free(model_); }

int32_t Vocab::size() const { return llama_vocab_n_tokens(vocab_); }

std::vector<int32_t> Vocab::end_tokens() const {
  std::vector<int32_t> ends;
  for (int32_t token = 0; token < size(); token++) {
    if (llama_vocab_is_eog(vocab_, token)) ends.push_back(token);
  }
  return ends;
}

std::vector<int32_t> Vocab::tokenize(const std::string& text, bool add_special, bool parse_special) const {
  // No tokeniser makes more tokens than bytes, but for what it adds at both ends.
  std::vector<int32_t> tokens(text.size() + 8);
  const auto length = static_cast<int32_t>(text.size());
  int32_t n = llama_tokenize(vocab_, text.data(), length, tokens.data(), static_cast<int32_t>(tokens.size()), add_special, parse_special);
  if (n < 0) {
    tokens.resize(-n);
    n = llama_tokenize(vocab_, text.data(), length, tokens.data(), -n, add_special, parse_special);
  }
  if (n < 0) throw Failure(Code::bad_argument, "the text cannot be tokenised");
  tokens.resize(n);
  return tokens;
}

std::string Vocab::token_bytes(int32_t token, bool special) const {
  if (token < 0 || token >= size()) throw Failure(Code::bad_token, "token " + std::to_string(token) + " is not one of " + std::to_string(size()));
  std::string bytes(64, '\0');
  int32_t n = llama_token_to_piece(vocab_, token, bytes.data(), static_cast<int32_t>(bytes.size()), 0, special);
  if (n < 0) {
    bytes.resize(-n);
    n = llama_token_to_piece(vocab_, token, bytes.data(), -n, 0, special);
  }
  bytes.resize(n < 0 ? 0 : n);
  return bytes;
}

std::string Vocab::spelling() const {
  std::string out;
  for (int32_t token = 0; token < size(); token++) {
    const bool ends = llama_vocab_is_eog(vocab_, token);
    const std::string bytes = ends ? "" : token_bytes(token, false);
    const auto length = static_cast<uint16_t>(ends ? Spelling::kEnd : bytes.size() < Spelling::kEnd ? bytes.size() : 0);
    out.push_back(static_cast<char>(length & 0xff));
    out.push_back(static_cast<char>(length >> 8));
    if (!ends && length > 0) out += bytes;
  }
  return out;
}

std::string Vocab::apply_template(const std::vector<std::pair<std::string, std::string>>& messages, bool add_assistant) const {
  const char* tmpl = llama_model_chat_template(model_, nullptr);
  if (tmpl == nullptr) throw Failure(Code::no_chat_template, "the model has no chat template");
  std::vector<llama_chat_message> chat;
  size_t length = 256;
  for (const auto& [role, content] : messages) {
    chat.push_back({role.c_str(), content.c_str()});
    length += content.size() + 64;
  }
  std::string text(length, '\0');
  int32_t n = llama_chat_apply_template(tmpl, chat.data(), chat.size(), add_assistant, text.data(), static_cast<int32_t>(text.size()));
  if (n > static_cast<int32_t>(text.size())) {
    text.resize(n);
    n = llama_chat_apply_template(tmpl, chat.data(), chat.size(), add_assistant, text.data(), n);
  }
  if (n < 0) throw Failure(Code::no_chat_template, "the model's chat template is none that llama.cpp knows");
  text.resize(n);
  return text;
}

}  // namespace omninode
