#include "suite/decoding_notes.hpp"

#include "stagemark/core/error.hpp"
#include "stagemark/suite/benchmark_suite.hpp"

namespace stagemark {

void DecodingNotes::add(const DecodingNotes& more) {
  broken.insert(more.broken.begin(), more.broken.end());
  sixteen_bit.insert(more.sixteen_bit.begin(), more.sixteen_bit.end());
}

void DecodingNotes::tell(SuiteResult& result) const {
  for (const auto& [index, reason] : broken)
    result.dataset.skipped.push_back({result.dataset.entries[index].path, reason});
  for (const auto& [index, range] : sixteen_bit) result.sixteen_bit_ranges.push_back(range);
}

void DecodingNotes::refuse_all(const Dataset& dataset) const {
  throw InputError("no image can be read" + (broken.empty() ? "" : ", the first because: " + broken.begin()->second),
                   dataset.root.string(), "give a directory of PNG, JPEG, BMP, TIFF or PGM images");
}

}  // namespace stagemark
