// Which bytes may follow: texts of a context-free grammar, as far as they have come. Pure: no model, no clock, no lock.
#pragma once
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace omninode {

using ByteSet = std::bitset<256>;

// The rules, as int32s: the number of byte sets, 8 words each (bit b of the whole: byte b); the number of rules, the first being the
// text's; each rule as 0, the number of alternatives, and per alternative the number of symbols and the symbols; or as 1, a
// symbol, how often at least, and how often at most (-1: any number). A symbol is a rule's index, -1 - a byte, or -257 - a set's index.
class Grammar {
 public:
  static constexpr int32_t kAnyNumber = -1;

  // Throws Failure(bad_grammar) for what is no grammar, or has no text of `writable` bytes alone. Whatever it is given, it reads only that. What leads to no
  // such text is left out, so that every text that was begun can be ended.
  explicit Grammar(const std::vector<int32_t>& program, const ByteSet& writable = ByteSet().set());

 private:
  friend class GrammarText;

  // One alternative of a rule, or its repetition.
  struct Part {
    int32_t rule = 0;
    bool repeats = false;
    std::vector<int32_t> symbols;
    uint32_t least = 0;
    // 0 only in sequences: UINT32_MAX is any number.
    uint32_t most = 0;
  };

  void read(const std::vector<int32_t>& program);
  // The rules for which `holds` says so of a part of theirs, as long as more rules become such.
  template <class Holds>
  std::vector<bool> closure(Holds holds) const;
  void keep_writable(const ByteSet& writable);
  void find_nullable();

  std::vector<ByteSet> sets_;
  std::vector<Part> parts_;
  // Of each rule: its first part and one behind its last.
  std::vector<std::pair<uint32_t, uint32_t>> rules_;
  std::vector<bool> nullable_;
};

// A text under way, which can be taken back byte by byte. Earley's algorithm ("An efficient context-free parsing algorithm", 1970),
// with the nullable rules of Aycock and Horspool ("Practical Earley Parsing", 2002): any grammar takes polynomial time, ambiguous and left-recursive ones
// included. A stack of alternatives, as most samplers have, grows exponentially with some, which a stranger could send.
class GrammarText {
 public:
  // Entries of one byte and of a whole text; more is Failure(bad_grammar).
  static constexpr size_t kMostAtByte = 8'192, kMostInText = 1 << 22;

  explicit GrammarText(std::shared_ptr<const Grammar> grammar);

  size_t length() const { return states_.size() - 1; }
  // Bytes that may come next.
  const ByteSet& next() const { return states_.back().next; }
  // The text may end here.
  bool may_end() const { return states_.back().may_end; }
  // Takes all of the bytes, or none and says no.
  bool append(const std::string& bytes);
  void truncate(size_t length);

 private:
  // How far a part has come that began at byte `from`.
  struct Item {
    uint32_t part, dot, from;
  };
  struct State {
    size_t begin = 0;
    ByteSet next;
    bool may_end = false;
  };
  struct Slot {
    uint32_t stamp = 0;
    size_t item = 0;
  };

  bool push(uint8_t byte);
  void open();
  void add(Item item);
  void advance(const Item& item);
  void expand(size_t index);
  void complete(const Item& item);
  void predict(const Item& item, int32_t symbol);
  // The symbol that is due; kNone at the part's end.
  int32_t due(const Item& item) const;
  bool is_complete(const Item& item) const;

  std::shared_ptr<const Grammar> grammar_;
  std::vector<Item> items_;
  std::vector<State> states_;
  // Which items the newest state has.
  std::vector<Slot> seen_;
  uint32_t stamp_ = 0;
};

}  // namespace omninode
