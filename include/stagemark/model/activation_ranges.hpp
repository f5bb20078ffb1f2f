#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace stagemark {

/// The values that a tensor of a network takes, as quantisation will represent them; low <= 0 <= high.
struct ActivationRange {
  float low = 0;
  float high = 0;
};

/// Ranges by the tensor's name. The tensors are those of the folded network (batch normalisation within its convolution,
/// ReLU within what it follows), and are called:
///  - "input": the network's input;
///  - a convolution's or linear layer's weight (its name in ResidualNetwork): what that layer yields, after the ReLU
///    where one follows at once;
///  - the weight of a block's last convolution + ".sum": the block's sum, after its ReLU;
///  - "pool": the global average.
using ActivationRanges = std::map<std::string, ActivationRange>;

/// What of the values seen a range holds.
enum class RangeMethod : std::uint8_t {
  min_max,     ///< all
  percentile,  ///< of each image's tensor, all but one in ten thousand at either end: finer steps for the others
};

/// Writes the ranges as text, one a line; they are read back bit for bit. \throws OutputError
void write_activation_ranges(const std::filesystem::path& file, const ActivationRanges& ranges);

/// Reads what `write_activation_ranges` wrote. Reads untrusted bytes: at most a megabyte.
/// \throws ModelError if it cannot be read or is anything else
ActivationRanges read_activation_ranges(const std::filesystem::path& file);

}  // namespace stagemark
