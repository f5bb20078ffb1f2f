#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "stagemark/model/checkpoint.hpp"

namespace stagemark {

/// A tensor to write, in row-major order.
struct NamedTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  std::variant<std::vector<float>, std::vector<std::int64_t>> values;
};

/// A plain hyper-parameter.
using HyperParameter = std::variant<bool, std::int64_t, double, std::string>;

/// Writes a checkpoint in the layout of PyTorch Lightning and the zip format of torch.save, which torch.load reads.
/// The same input gives the same bytes. \throws OutputError if the file cannot be written; none is then left behind
void write_lightning_checkpoint(const std::filesystem::path& file, const std::vector<NamedTensor>& tensors,
                                const std::vector<std::pair<std::string, HyperParameter>>& hyper_parameters);

}  // namespace stagemark
