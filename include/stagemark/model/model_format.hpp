#pragma once

#include <cstdint>
#include <filesystem>

#include "stagemark/core/enum_names.hpp"

namespace stagemark {

/// What a model file is, by its content.
enum class ModelFormat : std::uint8_t {
  tensors,      ///< a checkpoint or state_dict, or nothing that is known: Checkpoint::open says what is wrong
  torchscript,  ///< a program with its tensors, as torch.jit.save writes it
  onnx,         ///< an ONNX graph
  aoti,         ///< a package of AOTInductor (.pt2)
};

/// What reports call it; "tensors" are a checkpoint or a state_dict, which Checkpoint::format tells apart.
template <>
inline constexpr EnumNames<ModelFormat, 4> enum_names<ModelFormat> = {{{ModelFormat::tensors, "tensors"},
                                                                       {ModelFormat::torchscript, "torchscript"},
                                                                       {ModelFormat::onnx, "onnx"},
                                                                       {ModelFormat::aoti, "aoti"}}};

/// Looks into the file; executes nothing. \throws ModelError if it cannot be read or is a damaged zip file
ModelFormat model_format(const std::filesystem::path& file);

}  // namespace stagemark
