#include "stagemark/backend/split_model.hpp"

#include <string>
#include <utility>

namespace stagemark {

std::optional<std::filesystem::path> head_beside(const std::filesystem::path& model) {
  const std::string name = model.string();
  if (!name.ends_with(backbone_suffix)) return std::nullopt;
  std::filesystem::path head = name.substr(0, name.size() - backbone_suffix.size()).append(head_suffix);
  return std::filesystem::exists(head) ? std::optional(std::move(head)) : std::nullopt;
}

}  // namespace stagemark
