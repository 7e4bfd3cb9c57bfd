#include "grammar.h"

#include <algorithm>
#include <limits>

#include "errors.h"

namespace omninode {
namespace {

constexpr int32_t kNone = std::numeric_limits<int32_t>::min();
constexpr int32_t kSetWords = 8;
constexpr size_t kSlots = 4 * GrammarText::kMostAtByte;
constexpr uint32_t kUnbounded = std::numeric_limits<uint32_t>::max();

bool is_byte(int32_t symbol) { return symbol < 0 && symbol >= -256; }

// Reads numbers one after the other, and never past the last.
class Reader {
 public:
  explicit Reader(const std::vector<int32_t>& words) : words_(words) {}
  int32_t next() {
    if (at_ == words_.size()) throw Failure(Code::bad_grammar, "the grammar ends too early");
    return words_[at_++];
  }
  // No count is larger than what is left to be counted.
  size_t count() {
    const int32_t value = next();
    if (value < 0 || static_cast<size_t>(value) > words_.size() - at_) throw Failure(Code::bad_grammar, "the grammar counts " + std::to_string(value) + " of something");
    return static_cast<size_t>(value);
  }
  bool is_done() const { return at_ == words_.size(); }

 private:
  const std::vector<int32_t>& words_;
  size_t at_ = 0;
};

}  // namespace

Grammar::Grammar(const std::vector<int32_t>& program, const ByteSet& writable) {
  read(program);
  keep_writable(writable);
  find_nullable();
}

void Grammar::read(const std::vector<int32_t>& program) {
  Reader in(program);
  sets_.resize(in.count());
  for (ByteSet& set : sets_) {
    for (int32_t word = 0; word < kSetWords; word++) {
      const auto bits = static_cast<uint32_t>(in.next());
      for (int32_t bit = 0; bit < 32; bit++) set[word * 32 + bit] = bits >> bit & 1;
    }
  }
  const size_t rules = in.count();
  if (rules == 0) throw Failure(Code::bad_grammar, "the grammar has no rules");
  auto symbol = [&] {
    const int32_t value = in.next();
    const bool is_known = value >= 0 ? static_cast<size_t>(value) < rules : is_byte(value) || (value != kNone && static_cast<size_t>(-257 - value) < sets_.size());
    if (!is_known) throw Failure(Code::bad_grammar, "the grammar names a rule or a set that it does not have");
    return value;
  };
  for (size_t rule = 0; rule < rules; rule++) {
    const auto first = static_cast<uint32_t>(parts_.size());
    const bool repeats = in.next() != 0;
    const size_t alternatives = repeats ? 1 : in.count();
    for (size_t i = 0; i < alternatives; i++) {
      Part part;
      part.rule = static_cast<int32_t>(rule);
      part.repeats = repeats;
      const size_t symbols = repeats ? 1 : in.count();
      for (size_t k = 0; k < symbols; k++) part.symbols.push_back(symbol());
      if (repeats) {
        const int32_t least = in.next(), most = in.next();
        if (least < 0 || (most != kAnyNumber && most < least)) throw Failure(Code::bad_grammar, "the grammar repeats something at least " + std::to_string(least) + " and at most " + std::to_string(most) + " times");
        part.least = static_cast<uint32_t>(least);
        part.most = most == kAnyNumber ? kUnbounded : static_cast<uint32_t>(most);
      }
      parts_.push_back(std::move(part));
    }
    rules_.emplace_back(first, static_cast<uint32_t>(parts_.size()));
  }
  if (!in.is_done()) throw Failure(Code::bad_grammar, "the grammar goes on behind its end");
}

// Each part is looked at once, and again for each of its symbols, however the rules are ordered.
template <class Holds>
std::vector<bool> Grammar::closure(Holds holds) const {
  std::vector<bool> out(rules_.size());
  std::vector<std::vector<uint32_t>> users(rules_.size());
  std::vector<uint32_t> due;
  for (uint32_t i = 0; i < parts_.size(); i++) {
    for (int32_t symbol : parts_[i].symbols) {
      if (symbol >= 0) users[symbol].push_back(i);
    }
    due.push_back(i);
  }
  while (!due.empty()) {
    const Part& part = parts_[due.back()];
    due.pop_back();
    if (out[part.rule] || !holds(part, out)) continue;
    out[part.rule] = true;
    due.insert(due.end(), users[part.rule].begin(), users[part.rule].end());
  }
  return out;
}

void Grammar::keep_writable(const ByteSet& writable) {
  for (ByteSet& set : sets_) set &= writable;
  auto is_written = [&](int32_t symbol, const std::vector<bool>& rules) {
    if (symbol >= 0) return static_cast<bool>(rules[symbol]);
    return is_byte(symbol) ? static_cast<bool>(writable[-1 - symbol]) : sets_[-257 - symbol].any();
  };
  auto all_written = [&](const Part& part, const std::vector<bool>& rules) {
    return std::all_of(part.symbols.begin(), part.symbols.end(), [&](int32_t symbol) { return is_written(symbol, rules); });
  };
  const std::vector<bool> ends = closure([&](const Part& part, const std::vector<bool>& rules) { return (part.repeats && part.least == 0) || all_written(part, rules); });
  if (!ends[0]) throw Failure(Code::bad_grammar, "no text fits the grammar");
  std::vector<Part> kept;
  for (auto& [first, last] : rules_) {
    const auto begin = static_cast<uint32_t>(kept.size());
    for (uint32_t i = first; i < last; i++) {
      const bool is_whole = all_written(parts_[i], ends);
      if (!is_whole && !(parts_[i].repeats && parts_[i].least == 0)) continue;
      kept.push_back(std::move(parts_[i]));
      // What cannot be written is repeated no time.
      if (!is_whole) kept.back().most = 0;
    }
    first = begin;
    last = static_cast<uint32_t>(kept.size());
  }
  parts_ = std::move(kept);
}

void Grammar::find_nullable() {
  nullable_ = closure([](const Part& part, const std::vector<bool>& rules) {
    if (part.repeats && part.least == 0) return true;
    return std::all_of(part.symbols.begin(), part.symbols.end(), [&](int32_t symbol) { return symbol >= 0 && rules[symbol]; });
  });
  // What may be empty need not be repeated to be there often enough; repeating nothing leads nowhere.
  for (Part& part : parts_) {
    if (part.repeats && part.symbols[0] >= 0 && nullable_[part.symbols[0]]) part.least = 0;
  }
}

GrammarText::GrammarText(std::shared_ptr<const Grammar> grammar) : grammar_(std::move(grammar)), seen_(kSlots) {
  open();
  const auto [first, last] = grammar_->rules_[0];
  for (uint32_t part = first; part < last; part++) add({part, 0, 0});
  for (size_t i = 0; i < items_.size(); i++) expand(i);
  states_.back().may_end = grammar_->nullable_[0];
}

bool GrammarText::append(const std::string& bytes) {
  const size_t before = length();
  for (char byte : bytes) {
    if (push(static_cast<uint8_t>(byte))) continue;
    truncate(before);
    return false;
  }
  return true;
}

void GrammarText::truncate(size_t length) {
  if (length >= this->length()) return;
  items_.resize(states_[length + 1].begin);
  states_.resize(length + 1);
}

bool GrammarText::push(uint8_t byte) {
  if (!next()[byte]) return false;
  const size_t begin = states_.back().begin, end = items_.size();
  open();
  for (size_t i = begin; i < end; i++) {
    const int32_t symbol = due(items_[i]);
    if (symbol == kNone || symbol >= 0) continue;
    if (is_byte(symbol) ? symbol == -1 - byte : grammar_->sets_[-257 - symbol][byte]) advance(items_[i]);
  }
  for (size_t i = end; i < items_.size(); i++) expand(i);
  return true;
}

void GrammarText::open() {
  State state;
  state.begin = items_.size();
  states_.push_back(state);
  if (++stamp_ == 0) {
    seen_.assign(kSlots, Slot());
    stamp_ = 1;
  }
}

void GrammarText::add(Item item) {
  uint64_t hash = (static_cast<uint64_t>(item.part) * 0x9e3779b97f4a7c15ull) ^ (static_cast<uint64_t>(item.dot) << 32 | item.from) * 0xbf58476d1ce4e5b9ull;
  hash ^= hash >> 29;
  for (size_t at = hash % kSlots;; at = (at + 1) % kSlots) {
    Slot& slot = seen_[at];
    if (slot.stamp != stamp_) {
      if (items_.size() - states_.back().begin >= kMostAtByte || items_.size() >= kMostInText) throw Failure(Code::bad_grammar, "the grammar leaves too much open at once");
      slot = {stamp_, items_.size()};
      items_.push_back(item);
      return;
    }
    const Item& other = items_[slot.item];
    if (other.part == item.part && other.dot == item.dot && other.from == item.from) return;
  }
}

int32_t GrammarText::due(const Item& item) const {
  const Grammar::Part& part = grammar_->parts_[item.part];
  if (part.repeats) return item.dot < part.most ? part.symbols[0] : kNone;
  return item.dot < part.symbols.size() ? part.symbols[item.dot] : kNone;
}

bool GrammarText::is_complete(const Item& item) const {
  const Grammar::Part& part = grammar_->parts_[item.part];
  return part.repeats ? item.dot >= part.least : item.dot == part.symbols.size();
}

// What is repeated any number of times is counted as far as that matters.
void GrammarText::advance(const Item& item) {
  const Grammar::Part& part = grammar_->parts_[item.part];
  const bool is_counted = !part.repeats || part.most != kUnbounded || item.dot < part.least;
  add({item.part, is_counted ? item.dot + 1 : item.dot, item.from});
}

void GrammarText::expand(size_t index) {
  const Item item = items_[index];
  if (is_complete(item)) complete(item);
  const int32_t symbol = due(item);
  if (symbol == kNone) return;
  State& state = states_.back();
  if (symbol >= 0) predict(item, symbol);
  else if (is_byte(symbol)) state.next.set(-1 - symbol);
  else state.next |= grammar_->sets_[-257 - symbol];
}

// What began here is empty, and `predict` saw to that.
void GrammarText::complete(const Item& item) {
  if (item.from == length()) return;
  const int32_t rule = grammar_->parts_[item.part].rule;
  if (rule == 0 && item.from == 0) states_.back().may_end = true;
  const size_t end = states_[item.from + 1].begin;
  for (size_t i = states_[item.from].begin; i < end; i++) {
    if (due(items_[i]) == rule) advance(items_[i]);
  }
}

void GrammarText::predict(const Item& item, int32_t symbol) {
  const auto [first, last] = grammar_->rules_[symbol];
  for (uint32_t part = first; part < last; part++) add({part, 0, static_cast<uint32_t>(length())});
  if (grammar_->nullable_[symbol] && !grammar_->parts_[item.part].repeats) advance(item);
}

}  // namespace omninode
