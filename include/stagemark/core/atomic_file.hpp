#pragma once

#include <filesystem>
#include <functional>
#include <iosfwd>

namespace stagemark {

/// Replaces or creates a file in one step: `write` fills a temporary one in the same directory, which is
/// flushed to the disk and then renamed, so that at any moment `file` is the old one or the new one, whole. A
/// symbolic link is followed. \throws OutputError naming the reason (no permission, disk full, not a regular
/// file ...), and whatever `write` throws;
///         the temporary file is then gone and `file` is what it was
void write_file_atomically(const std::filesystem::path& file, const std::function<void(std::ostream&)>& write);

}  // namespace stagemark
