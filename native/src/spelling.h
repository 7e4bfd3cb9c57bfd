// What a vocabulary's tokens spell: a stage's file has no vocabulary, so that whoever asks for a grammar tells it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "grammar.h"

namespace omninode {

// Per token a little-endian u16, its number of bytes, and the bytes; 65535 and no bytes: a token that ends an answer. A token of
// no bytes is never part of a text.
class Spelling {
 public:
  static constexpr uint16_t kEnd = 0xffff;

  // Throws Failure(bad_grammar) unless it is exactly that of `n_vocab` tokens, one of which ends an answer.
  Spelling(std::string bytes, int32_t n_vocab);

  bool is_same(const std::string& bytes) const { return bytes_ == bytes; }
  // Bytes that are a token of their own: with them any text of theirs can be gone on with.
  const ByteSet& writable() const { return writable_; }
  bool is_end(int32_t token) const { return ends_[token]; }
  std::string text(int32_t token) const { return bytes_.substr(offsets_[token], lengths_[token]); }

  // The likeliest tokens that may come next in `text`, at most `most`, likeliest first, the lowest id first among equals. `text` is as before.
  std::vector<int32_t> fitting(GrammarText& text, const float* logits, size_t most) const;

 private:
  std::string bytes_;
  std::vector<uint32_t> offsets_;
  std::vector<uint16_t> lengths_;
  std::vector<bool> ends_;
  ByteSet writable_;
};

// What an answer must be: a grammar, and how its tokens are read.
struct Shape {
  std::shared_ptr<const Grammar> grammar;
  std::shared_ptr<const Spelling> spelling;
};

// An answer's text so far, by its tokens; the newest can be taken back. A session has one answer after the other.
class ShapedText {
 public:
  explicit ShapedText(const Shape& shape) : spelling_(shape.spelling), text_(shape.grammar) {}

  // Throws Failure(bad_grammar) when no token fits.
  std::vector<int32_t> fitting(const float* logits, size_t most);
  void append(int32_t token);
  // Nothing where the text has no tokens.
  void pop();
  // The next token begins another text; the tokens of this one cannot be taken back any more.
  void begin();

 private:
  std::shared_ptr<const Spelling> spelling_;
  GrammarText text_;
  // Bytes before each token.
  std::vector<size_t> before_;
};

}  // namespace omninode
