#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace stagemark {

/// A name for what is made of all the parts: the same parts, the same name.
std::string cache_key(const std::vector<std::string>& parts);

/// The file of that name in $STAGEMARK_CACHE, else $XDG_CACHE_HOME/stagemark, else ~/.cache/stagemark. Made if it is not
/// there, and then in one step: of two programs that make the same both get a whole one.
/// \param make writes the file that it is given
/// \throws OutputError if it cannot be written, and whatever `make` throws
std::filesystem::path cached_file(const std::string& name,
                                  const std::function<void(const std::filesystem::path&)>& make);

}  // namespace stagemark
