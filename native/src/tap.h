// What receipts need of the rows that pass a stage: for each window of 32 rows the entries of largest magnitude, of what
// came and of what went. docs/protocols/receipts.md has the rules; src-main/pipeline/receipts makes commitments of them.
#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

namespace omninode {

// Of some rows: index (row x width + column, row 0 being `first`) and bfloat16 bits of each entry, in turn.
struct TappedRows {
  int32_t first = 0;
  // 0: there are none.
  int32_t count = 0;
  std::vector<int32_t> entries;
};

struct TappedWindow {
  int32_t first = 0;
  int32_t count = 0;
  // Unix time.
  double started_ms = 0, ended_ms = 0;
  // Of the first stage.
  std::vector<int32_t> tokens;
  // Of the last stage: sampled after the window's last rows.
  std::vector<int32_t> sampled;
  TappedRows input, output;
};

// The entries of largest magnitude of the rows so far; of equal ones the earlier. The newest rows can be taken back.
class Largest {
 public:
  explicit Largest(int32_t width) : width_(width) {}
  // `row` counts from the window's first and only grows.
  void add(int32_t row, const float* values);
  // Forgets the rows from `rows` on.
  void cut(int32_t rows);
  // Whether there was a value that is no number.
  bool broken() const { return first_bad_ >= 0; }
  // Indices count from row `from`, which is the first that was added.
  std::vector<int32_t> entries(int32_t from) const;

 private:
  struct Entry {
    // F32 bits without the sign: in the order of the magnitudes.
    int32_t magnitude;
    int32_t index;
    bool negative;
  };
  static bool larger(const Entry& a, const Entry& b);
  void collect(int32_t row, const float* values);
  void keep_top();

  int32_t width_;
  std::vector<Entry> top_;
  // Whatever was among the largest when its row came, in order of rows: without the newest, others are again.
  std::vector<Entry> log_;
  std::vector<Entry> fresh_;
  // Smaller or equal ones change nothing; -1: all are wanted.
  int32_t floor_ = -1;
  int32_t first_bad_ = -1;
};

// One session's rows, in order. Its caller sees to it that calls do not overlap.
class Tap {
 public:
  explicit Tap(int32_t width) : width_(width) {}

  // What one pass computed. `output` are its last `output_rows` rows. Rows as they travel, [rows x width].
  struct Pass {
    int32_t position = 0;
    int32_t rows = 0;
    // One of both.
    const int32_t* tokens = nullptr;
    const float* input = nullptr;
    const float* output = nullptr;
    int32_t output_rows = 0;
    double started_ms = 0, ended_ms = 0;
  };
  void add(const Pass& pass);
  // The token that was sampled after the row at `position`.
  void sampled(int32_t position, int32_t token);
  // Forgets the rows from `position` on. More than kCuttable windows back, a window cannot be cut and is left out whole.
  void cut(int32_t position);
  // Ends the window under way and gives the oldest windows, of rows before `end` alone, at most `most`; others stay for the
  // next call. Windows with values that are no numbers are left out.
  std::vector<TappedWindow> take(int32_t end, size_t most);

  static constexpr int32_t kRows = 32;
  static constexpr size_t kTop = 128;
  static constexpr size_t kCuttable = 4;

 private:
  struct Row {
    int32_t token = -1;
    int32_t sampled = -1;
  };
  struct Window {
    Window(int32_t at, int32_t width, double now_ms) : first(at), started_ms(now_ms), ended_ms(now_ms), input(width), output(width) {}
    int32_t end() const { return first + static_cast<int32_t>(rows.size()); }
    int32_t first;
    double started_ms, ended_ms;
    std::vector<Row> rows;
    Largest input, output;
    // The row from which on each has an output; -1: the newest has none.
    int32_t output_from = -1;
  };

  Window& window_at(int32_t position, double now_ms);
  void add_output(Window& window, const float* values);
  void finish_oldest();

  int32_t width_;
  // The newest windows, oldest first; those before them are done.
  std::deque<Window> recent_;
  std::deque<TappedWindow> done_;
};

}  // namespace omninode
