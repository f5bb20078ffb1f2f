#pragma once

#include <filesystem>
#include <functional>
#include <iosfwd>
#include <vector>

namespace stagemark {

/// Replaces or creates a file in one step: `write` fills a temporary one in the same directory, which is
/// flushed to the disk and then renamed, so that at any moment `file` is the old one or the new one, whole. A
/// symbolic link is followed. \throws OutputError naming the reason (no permission, disk full, not a regular
/// file ...), and whatever `write` throws;
///         the temporary file is then gone and `file` is what it was
void write_file_atomically(const std::filesystem::path& file, const std::function<void(std::ostream&)>& write);

/// A file, and what writes its content.
struct FileContent {
  std::filesystem::path file;
  std::function<void(std::ostream&)> write;
};

/// Several files that are one result, the first of which is what the others were made of: all are replaced or created, or
/// none is. All are filled and flushed before the first gets its name. Then there is a moment in which the first stands
/// without the others, first the old one and then the new one: a process that is killed in it, or a machine that fails,
/// leaves that, and the old others under hidden names, but never new files beside old ones.
/// \throws as `write_file_atomically`; all files are then what they were (on a file system without hard links: unless
///         the last step of all, a renaming, is what failed)
void write_files_atomically(const std::vector<FileContent>& files);

}  // namespace stagemark
