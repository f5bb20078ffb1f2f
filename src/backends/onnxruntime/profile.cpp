#include "profile.hpp"

#include <optional>
#include <string_view>

namespace stagemark::onnxruntime {
namespace {

/// The text between the quotes that follow `key` and whatever stands between.
std::string quoted_after(std::string_view line, std::string_view key) {
  const std::size_t found = line.find(key);
  if (found == std::string_view::npos) return {};
  line.remove_prefix(found + key.size());
  const std::size_t open = line.find('"');
  if (open == std::string_view::npos) return {};
  line.remove_prefix(open + 1);
  return std::string(line.substr(0, line.find('"')));
}

std::optional<ExecutedNode> executed_node(std::string_view line) {
  // Node names are the model's and may hold anything: the arguments begin after the last of such keys.
  const std::size_t arguments = line.rfind("\"args\"");
  if (arguments == std::string_view::npos || line.substr(0, arguments).find("_kernel_time\"") == std::string_view::npos)
    return std::nullopt;
  line.remove_prefix(arguments);
  ExecutedNode node{quoted_after(line, "\"op_name\""), quoted_after(line, "\"provider\""), {}};
  if (node.operation.empty()) return std::nullopt;
  if (line.find("\"input_type_shape\" : []") == std::string_view::npos)
    node.input_type = quoted_after(line, "\"input_type_shape\"");
  return node;
}

}  // namespace

std::vector<ExecutedNode> read_profile(std::istream& profile) {
  std::vector<ExecutedNode> nodes;
  for (std::string line; std::getline(profile, line);) {
    if (auto node = executed_node(line)) nodes.push_back(*std::move(node));
  }
  return nodes;
}

}  // namespace stagemark::onnxruntime
