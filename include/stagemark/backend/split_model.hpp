#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

namespace stagemark {

/// A network in two files lies as NAME.backbone.onnx and NAME.head.onnx: what is given is the backbone.
inline constexpr std::string_view backbone_suffix = ".backbone.onnx";
inline constexpr std::string_view head_suffix = ".head.onnx";

/// The head of a backbone's file; absent if the file is none, or has no head beside it.
std::optional<std::filesystem::path> head_beside(const std::filesystem::path& model);

}  // namespace stagemark
