#include "execution.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "stagemark/core/error.hpp"

namespace stagemark::onnxruntime {
namespace {

bool is_convolution(const ExecutedNode& node) { return node.operation.find("Conv") != std::string::npos; }

bool is_matrix_product(const ExecutedNode& node) {
  return node.operation.find("MatMul") != std::string::npos || node.operation.find("Gemm") != std::string::npos;
}

/// What we call the element types that ONNX Runtime computes in; else its own name for it.
std::string precision_name(const std::string& type) {
  constexpr std::array<std::pair<std::string_view, Precision>, 5> names = {{{"float", Precision::fp32},
                                                                            {"float16", Precision::fp16},
                                                                            {"bfloat16", Precision::bf16},
                                                                            {"uint8", Precision::int8},
                                                                            {"int8", Precision::int8}}};
  for (const auto& [name, precision] : names) {
    if (name == type) return std::string(to_string(precision));
  }
  return type;
}

}  // namespace

Execution::Execution(std::span<const ExecutedNode> nodes) {
  for (const ExecutedNode& node : nodes) ++providers_[node.provider];
  std::vector<ExecutedNode> products;
  std::copy_if(nodes.begin(), nodes.end(), std::back_inserter(products), is_convolution);
  if (products.empty()) {
    name_ = "matrix products";
    std::copy_if(nodes.begin(), nodes.end(), std::back_inserter(products), is_matrix_product);
  }
  for (const ExecutedNode& node : products) {
    ++types_[precision_name(node.input_type)];
    ++product_providers_[node.provider];
  }
}

std::string Execution::products() const {
  std::vector<std::pair<std::string, std::size_t>> counted(types_.begin(), types_.end());
  std::stable_sort(counted.begin(), counted.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  std::string text;
  for (const auto& [type, count] : counted) {
    if (!text.empty()) text += ", ";
    text += std::to_string(count) + " in " + type;
  }
  return text;
}

void Execution::verify_products(const std::string& provider) const {
  const auto elsewhere = std::find_if(product_providers_.begin(), product_providers_.end(),
                                      [&](const auto& entry) { return entry.first != provider; });
  if (elsewhere == product_providers_.end()) return;
  throw BackendError(std::to_string(elsewhere->second) + " of its " + name_ + " fell back from " + provider + " to " +
                     elsewhere->first);
}

void Execution::verify(Precision asked, const std::string& provider) const {
  if (types_.empty()) throw BackendError("the graph has no convolution and no matrix product: it is no classifier");
  verify_products(provider);
  const auto most =
      std::max_element(types_.begin(), types_.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  if (most->first == to_string(asked)) return;
  throw BackendError("asked for " + std::string(to_string(asked)) + ", but of its " + name_ + " ran " + products());
}

void Execution::verify_compiled(const std::string& provider) const {
  verify_products(provider);
  if (!providers_.contains(provider)) throw BackendError("nothing of the graph ran on " + provider);
}

}  // namespace stagemark::onnxruntime
