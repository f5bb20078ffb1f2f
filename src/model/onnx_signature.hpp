#pragma once

#include <cstdint>
#include <istream>

namespace stagemark {

/// Whether a file looks like an ONNX model: fields of a ModelProto with its IR version, up to a graph. Reads a few bytes
/// and steps over what the fields hold.
/// \param size bytes in the file
bool looks_like_onnx(std::istream& in, std::uint64_t size);

}  // namespace stagemark
