#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <ios>
#include <memory>
#include <new>
#include <opencv2/core/mat.hpp>
#include <opencv2/imgcodecs.hpp>
#include <optional>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "images/image_header.hpp"
#include "images/pnm.hpp"
#include "images/quiet_stderr.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/images/images.hpp"

namespace stagemark {
namespace {

/// OpenCV refuses more, unless the environment says otherwise.
constexpr std::uint64_t longest_side = 1U << 20U;
constexpr std::uintmax_t largest_file_bytes = std::uintmax_t{1} << 31U;

std::vector<std::uint8_t> read_file(const std::filesystem::path& file) {
  std::error_code error;
  const std::filesystem::file_type type = std::filesystem::status(file, error).type();
  if (type == std::filesystem::file_type::not_found) throw InputError("there is no such file");
  if (type == std::filesystem::file_type::directory) throw InputError("it is a directory, not a file");
  // A pipe or a device might never end.
  if (type != std::filesystem::file_type::regular) throw InputError("the file cannot be read");
  const std::uintmax_t size = std::filesystem::file_size(file, error);
  if (error) throw InputError("the file cannot be read");
  if (size > largest_file_bytes) throw InputError("the file is larger than 2 GiB");
  std::vector<std::uint8_t> bytes(size);
  std::ifstream stream(file, std::ios::binary);
  if (size > 0) stream.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size));
  if (!stream) throw InputError("the file cannot be read");
  return bytes;
}

/// Lets matrices keep their elements in vectors, which an image can take over: the copy of a radiograph would cost a
/// tenth of its decoding.
class VectorAllocator : public cv::MatAllocator {
 public:
  cv::UMatData* allocate(int dimensions, const int* sizes, int type, void* /*data*/, std::size_t* step,
                         cv::AccessFlag /*flags*/, cv::UMatUsageFlags /*usage*/) const override {
    auto bytes = static_cast<std::size_t>(CV_ELEM_SIZE(type));
    for (int i = dimensions - 1; i >= 0; --i) {
      step[i] = bytes;
      bytes *= static_cast<std::size_t>(sizes[i]);
    }
    auto elements = std::make_unique<std::vector<std::uint8_t>>(bytes);
    auto matrix = std::make_unique<cv::UMatData>(this);
    matrix->data = matrix->origdata = elements->data();
    matrix->size = bytes;
    matrix->userdata = elements.release();
    return matrix.release();
  }
  bool allocate(cv::UMatData* matrix, cv::AccessFlag /*flags*/, cv::UMatUsageFlags /*usage*/) const override {
    return matrix != nullptr;
  }
  void deallocate(cv::UMatData* matrix) const override {
    if (matrix == nullptr) return;
    const std::unique_ptr<cv::UMatData> owned(matrix);
    const std::unique_ptr<std::vector<std::uint8_t>> elements(&elements_of(*matrix));
  }

  /// Whether the matrix, as a whole and without gaps, is in a vector of such an allocator.
  static bool has(const cv::Mat& matrix) {
    return matrix.u != nullptr && dynamic_cast<const VectorAllocator*>(matrix.u->currAllocator) != nullptr &&
           matrix.total() * matrix.elemSize() == matrix.u->size;
  }
  static std::vector<std::uint8_t>& elements_of(const cv::UMatData& matrix) {
    return *static_cast<std::vector<std::uint8_t>*>(matrix.userdata);
  }
};

/// Empty where the file cannot be decoded.
cv::Mat decode(const std::vector<std::uint8_t>& file, DecoderMessages messages) {
  static VectorAllocator allocator;
  std::optional<QuietStderr> quiet;
  if (messages == DecoderMessages::discard) quiet.emplace();
  cv::Mat pixels;
  pixels.allocator = &allocator;
  try {
    return cv::imdecode(file, cv::IMREAD_UNCHANGED, &pixels);
  } catch (const cv::Exception&) {
    return {};  // its text is about OpenCV's sources, not about the file
  }
}

/// Grey as it is, colour from BGR or BGRA to RGB, each sample brought to 8 bits by `narrow`.
template <class Sample, class Narrow>
Image convert(const cv::Mat& pixels, Narrow&& narrow) {
  Image image;
  image.width = static_cast<std::size_t>(pixels.cols);
  image.height = static_cast<std::size_t>(pixels.rows);
  const auto stride = static_cast<std::size_t>(pixels.channels());
  image.channels = stride == 1 ? 1 : 3;
  image.pixels.resize(image.width * image.height * image.channels);
  std::uint8_t* out = image.pixels.data();
  for (int y = 0; y < pixels.rows; ++y) {
    const auto* const row = pixels.ptr<Sample>(y);
    if (stride == 1) {
      if constexpr (std::is_same_v<std::remove_cvref_t<Narrow>, std::identity>) {
        std::copy_n(row, image.width, out);
      } else {
        std::transform(row, row + image.width, out, narrow);
      }
    } else {
      for (std::size_t x = 0; x < image.width; ++x) {
        for (std::size_t channel = 0; channel < 3; ++channel) {
          out[x * 3 + channel] = narrow(row[x * stride + 2 - channel]);
        }
      }
    }
    out += image.width * image.channels;
  }
  return image;
}

class FileImageSource : public ImageSource {
 public:
  explicit FileImageSource(ImageSourceOptions options) : options_(options) {}

  Image load(const std::filesystem::path& file) const override {
    const std::vector<std::uint8_t> bytes = read_file(file);
    const ImageHeader header = read_image_header(bytes);
    const std::string size = std::to_string(header.width) + "x" + std::to_string(header.height) + " pixels";
    if (header.width > longest_side || header.height > longest_side) {
      throw InputError("the image has " + size + ", and a side of more than " + std::to_string(longest_side) +
                       " is refused");
    }
    if (header.width * header.height > options_.max_pixels) {
      throw InputError("the image has " + size + ", and more than " + std::to_string(options_.max_pixels) +
                       " are refused");
    }
    try {
      if (header.format == ImageFormat::pnm) return narrow(decode_pnm(bytes));
      const cv::Mat pixels = decode(bytes, options_.decoder_messages);
      if (pixels.empty()) throw InputError("the image is damaged: it cannot be decoded");
      if (pixels.type() != CV_8UC1 || !VectorAllocator::has(pixels)) return narrow(pixels);
      return {static_cast<std::size_t>(pixels.cols), static_cast<std::size_t>(pixels.rows), 1,
              std::move(VectorAllocator::elements_of(*pixels.u))};
    } catch (const std::bad_alloc&) {
      throw InputError("there is not enough memory for the image's " + size);
    }
  }

 private:
  Image narrow(const cv::Mat& pixels) const {
    const int channels = pixels.channels();
    const int depth = pixels.depth();
    if ((channels != 1 && channels != 3 && channels != 4) || (depth != CV_8U && depth != CV_16U)) {
      throw InputError("the image's samples are not unsigned integers of 8 or 16 bits, grey or RGB");
    }
    if (depth == CV_8U) return convert<std::uint8_t>(pixels, std::identity());
    if (channels == 1 && options_.sixteen_bit_grey == SixteenBitGrey::refuse) {
      throw InputError("the image is grey with 16 bits per sample, which is refused as asked");
    }
    if (channels == 1 && options_.sixteen_bit_grey == SixteenBitGrey::clip) {
      return convert<std::uint16_t>(
          pixels, [](std::uint16_t value) { return static_cast<std::uint8_t>(std::min<std::uint16_t>(value, 255)); });
    }
    SampleRange range{.lowest = 65535, .highest = 0};
    Image image = convert<std::uint16_t>(pixels, [&range](std::uint16_t value) {
      range.lowest = std::min(range.lowest, value);
      range.highest = std::max(range.highest, value);
      return static_cast<std::uint8_t>(value >> 8U);
    });
    // Of colour Pillow, too, keeps the high byte.
    if (channels == 1) image.sixteen_bit_range = range;
    return image;
  }

  ImageSourceOptions options_;
};

}  // namespace

std::shared_ptr<const ImageSource> make_image_source(ImageSourceOptions options) {
  return std::make_shared<FileImageSource>(options);
}

}  // namespace stagemark
