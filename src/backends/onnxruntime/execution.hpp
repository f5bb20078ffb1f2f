#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>

#include "profile.hpp"
#include "stagemark/backend/approach.hpp"

namespace stagemark::onnxruntime {

/// What a run of the network was made of, counted.
class Execution {
 public:
  explicit Execution(std::span<const ExecutedNode> nodes);

  /// How many nodes each provider ran.
  [[nodiscard]] const std::map<std::string, std::size_t>& nodes_by_provider() const noexcept { return providers_; }

  /// The precision that most convolutions ran in (most matrix products, in a network without convolutions).
  /// \throws BackendError if one of them ran outside of `provider`, if there is none, or if the precision is not
  ///         `asked`: told FP16, ONNX Runtime computes in FP32 between casts where it has no kernel
  void verify(Precision asked, const std::string& provider) const;

  /// As verify(), for a provider that runs whole parts of the graph as one node and does not tell what is inside.
  void verify_compiled(const std::string& provider) const;

  /// E.g. "53 in int8, 1 in fp32".
  [[nodiscard]] std::string products() const;
  /// "convolutions" or "matrix products": what products() counts.
  [[nodiscard]] const std::string& products_name() const noexcept { return name_; }

 private:
  void verify_products(const std::string& provider) const;

  std::map<std::string, std::size_t> providers_;
  std::string name_ = "convolutions";
  std::map<std::string, std::size_t> types_;  ///< of the products' first inputs
  std::map<std::string, std::size_t> product_providers_;
};

}  // namespace stagemark::onnxruntime
