// Calls with one thing wrong: each must be refused with its code before anything is written.
#include "case.h"
#include "status.h"

namespace {

constexpr int64_t HUGE_SIZE = int64_t{1} << 40;

}  // namespace

std::vector<Case::Fault> Case::faults() {
  using namespace recurra;
  recurra_rows& rows = given.rows;
  auto* offset = static_cast<int64_t*>(offsets_.data());
  auto* length = static_cast<int64_t*>(lengths_.data());
  std::vector<Fault> all = {
      {"rows NULL", NULL_POINTER, [&] { given.rows_pointer = nullptr; }},
      {"width 0", BAD_SIZE, [&] { given.width = 0; }},
      {"width negative", BAD_SIZE, [&] { given.width = -width; }},
      {"width huge", BAD_SIZE, [&] { given.width = HUGE_SIZE; }},
      {"width largest", BAD_SIZE, [&] { given.width = INT64_MAX; }},
      {"threads 0", BAD_SIZE, [&] { given.threads = 0; }},
      {"threads negative", BAD_SIZE, [&] { given.threads = -2; }},
      {"threads huge", BAD_SIZE, [&] { given.threads = 1 << 20; }},
      {"rows negative", BAD_SIZE, [&] { rows.rows = -1; }},
      {"rows huge", BAD_SIZE, [&] { rows.rows = HUGE_SIZE; }},
      {"lines negative", BAD_SIZE, [&] { rows.lines = -1; }},
      {"lines huge", BAD_SIZE, [&] { rows.lines = INT64_MAX; }},
      {"stride huge", BAD_SIZE, [&] { rows.stride = HUGE_SIZE; }},
      {"stride smallest", BAD_SIZE, [&] { rows.stride = INT64_MIN; }},
  };
  for (Array& array : arrays_)
    if (!array.optional_)
      all.push_back({"array NULL", NULL_POINTER, [&] { array.taken_away_ = true; }});
  if (bad_number_code_)
    all.push_back({"number", bad_number_code_, [&] { given.number = bad_number_; }});
  for (int bad : {-1, int{RECURRA_FLOAT16}, int{RECURRA_INT8}, int{RECURRA_FORMATS}})
    if (has_format_) all.push_back({"format", UNKNOWN_FORMAT, [=] { given.format = bad; }});
  if (!batch) return all;
  const int64_t b = random.whole(0, batch - 1), lines = layout.lines;
  const std::vector<Fault> of_rows = {
      {"offset NULL", NULL_POINTER, [&] { rows.offset = nullptr; }},
      {"length NULL", NULL_POINTER, [&] { rows.length = nullptr; }},
      {"length negative", BAD_LENGTH, [=] { length[b] = -1; }},
      {"length smallest", BAD_LENGTH, [=] { length[b] = INT64_MIN; }},
      {"more steps than lines", BAD_PLACE, [=] { length[b] = lines + 1; }},
      {"length largest", BAD_PLACE, [=] { length[b] = INT64_MAX; }},
      {"begins before", BAD_PLACE, [=] { offset[b] = -1, length[b] = 1; }},
      {"begins behind", BAD_PLACE, [=] { offset[b] = lines, length[b] = 1; }},
      {"begins far before", BAD_PLACE, [=] { offset[b] = INT64_MIN, length[b] = 1; }},
  };
  all.insert(all.end(), of_rows.begin(), of_rows.end());
  if (lines < 2) return all;
  const std::vector<Fault> of_steps = {
      {"ends behind", BAD_PLACE,
       [=, &rows] { rows.stride = 1, offset[b] = lines - 1, length[b] = 2; }},
      {"ends before", BAD_PLACE, [=, &rows] { rows.stride = -1, offset[b] = 0, length[b] = 2; }},
      {"ends far behind", BAD_PLACE,
       [=, &rows] { rows.stride = HUGE_SIZE - 1, offset[b] = 0, length[b] = 2; }},
  };
  all.insert(all.end(), of_steps.begin(), of_steps.end());
  return all;
}

void Case::refuse(const std::function<int()>& call) {
  const std::vector<Fault> all = faults();
  const Fault& fault = all[static_cast<size_t>(random.whole(0, int64_t(all.size()) - 1))];
  const Given right = given;
  fault.make();
  const int code = call();
  given = right;
  for (int64_t b = 0; b < batch; ++b) {
    static_cast<int64_t*>(offsets_.data())[b] = layout.offset[b];
    static_cast<int64_t*>(lengths_.data())[b] = layout.length[b];
  }
  for (Array& array : arrays_) array.taken_away_ = false;
  if (code != fault.code)
    complain("%s: should say \"%s\", said \"%s\"", fault.text, recurra_text(fault.code),
             recurra_text(code));
  for (const Array& array : arrays_)
    if (!array.untouched()) complain("%s: refused, but an array was written", fault.text);
}
