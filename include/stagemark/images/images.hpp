#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "stagemark/backend/image.hpp"
#include "stagemark/backend/preprocessor.hpp"

namespace stagemark {

/// Reads PNG, JPEG, BMP, TIFF (first page) and PGM/PPM/PBM, recognised by content. Pixels are those of Pillow's
/// convert("RGB"), with one channel where the file has one: alpha is dropped, palettes are expanded, EXIF orientation is
/// ignored, that of a TIFF file applied. Kinds that would come out differently are refused: CMYK, and TIFF with alpha,
/// with other than 1, 8 or 16 bits per sample, or with 16 of which 0 is white. `load` throws InputError for a file that is missing, empty, truncated,
/// too large, or not such an image.
std::shared_ptr<const ImageSource> make_image_source(ImageSourceOptions options = {});

/// torchvision's Resize((height, width)) or, with a shorter side, Resize(shorter_side) and CenterCrop((height, width)),
/// then ToTensor and Normalize, bit for bit: Pillow's antialiased bilinear resize, /255, mean and standard deviation; a
/// grey image gives three planes. The object's `run` allocates nothing once it has seen an image's size on a thread, and
/// throws std::invalid_argument for an image without pixels, with a channel count other than 1 or 3, or for an `out` of
/// the wrong length.
/// \throws UsageError if a size is not in [1, 65535], the shorter side is shorter than what is cut out of it, a mean is
///         not finite or a standard deviation not above 0
std::shared_ptr<const Preprocessor> make_preprocessor(const PreprocessingOptions& options = {});

/// The pixels that such a preprocessor would normalise: RGB, of the size of its output.
/// \throws UsageError, std::invalid_argument as above
Image resize_image(const Image& image, const PreprocessingOptions& options = {});

/// A grey or RGB image as a PNG file's bytes. \throws std::invalid_argument if `image` is not such an image
std::vector<std::uint8_t> encode_png(const Image& image);

/// Writes a grey or RGB image.
/// \throws OutputError if the file cannot be written, std::invalid_argument if `image` is not such an image
void write_png(const std::filesystem::path& file, const Image& image);

}  // namespace stagemark
