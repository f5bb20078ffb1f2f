#pragma once

#include <filesystem>
#include <functional>
#include <ostream>

namespace stagemark {

/// Writes a file beside the one that is there, and puts it in its place when it is whole.
/// \throws OutputError if it cannot be written; none is then left behind
void replace_file(const std::filesystem::path& file, const std::function<void(std::ostream&)>& write);

}  // namespace stagemark
