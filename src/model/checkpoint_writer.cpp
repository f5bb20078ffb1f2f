#include "stagemark/model/checkpoint_writer.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <map>
#include <string_view>

#include "stagemark/core/atomic_file.hpp"
#include "stagemark/core/error.hpp"

namespace stagemark {
namespace {

/// Bytes in the making; numbers little-endian.
class Buffer {
 public:
  void text(std::string_view bytes) { bytes_ += bytes; }
  template <class Number>
  void number(Number value) {
    for (std::size_t i = 0; i < sizeof(Number); ++i) {
      bytes_ += static_cast<char>(static_cast<unsigned char>(static_cast<std::uint64_t>(value) >> (8 * i)));
    }
  }
  [[nodiscard]] const std::string& bytes() const noexcept { return bytes_; }

 private:
  std::string bytes_;
};

/// Pickle protocol 2, as torch.save writes it, without a memo: nothing is stored twice that matters.
class PickleWriter {
 public:
  PickleWriter() { buffer_.text("\x80\x02"); }

  void text(std::string_view value) {
    buffer_.text("X");
    buffer_.number(static_cast<std::uint32_t>(value.size()));
    buffer_.text(value);
  }
  void integer(std::int64_t value) {
    if (value >= INT32_MIN && value <= INT32_MAX) {
      buffer_.text("J");
      buffer_.number(static_cast<std::int32_t>(value));
      return;
    }
    buffer_.text("\x8a\x08");
    buffer_.number(value);
  }
  void real(double value) {
    buffer_.text("G");
    const auto bits = std::bit_cast<std::uint64_t>(value);
    for (int shift = 56; shift >= 0; shift -= 8)
      buffer_.number(static_cast<std::uint8_t>(bits >> static_cast<unsigned>(shift)));
  }
  void boolean(bool value) { buffer_.text(value ? "\x88" : "\x89"); }
  void global(std::string_view module, std::string_view name) {
    buffer_.text("c");
    buffer_.text(module);
    buffer_.text("\n");
    buffer_.text(name);
    buffer_.text("\n");
  }
  void ordered_dict() {
    global("collections", "OrderedDict");
    buffer_.text(")R");
  }
  void integers(const std::vector<std::int64_t>& values) {
    buffer_.text("(");
    for (const std::int64_t value : values) integer(value);
    buffer_.text("t");
  }
  void opcodes(std::string_view codes) { buffer_.text(codes); }
  [[nodiscard]] std::string finish() {
    buffer_.text(".");
    return buffer_.bytes();
  }

 private:
  Buffer buffer_;
};

std::vector<std::int64_t> row_major_strides(const std::vector<std::int64_t>& shape) {
  std::vector<std::int64_t> strides(shape.size(), 1);
  for (std::size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * shape[i];
  return strides;
}

std::size_t element_count(const NamedTensor& tensor) {
  return std::visit([](const auto& values) { return values.size(); }, tensor.values);
}

void write_tensor(PickleWriter& pickle, const NamedTensor& tensor, std::size_t key) {
  const bool is_float = std::holds_alternative<std::vector<float>>(tensor.values);
  pickle.global("torch._utils", "_rebuild_tensor_v2");
  pickle.opcodes("((");
  pickle.text("storage");
  pickle.global("torch", is_float ? "FloatStorage" : "LongStorage");
  pickle.text(std::to_string(key));
  pickle.text("cpu");
  pickle.integer(static_cast<std::int64_t>(element_count(tensor)));
  pickle.opcodes("tQ");
  pickle.integer(0);
  pickle.integers(tensor.shape);
  pickle.integers(row_major_strides(tensor.shape));
  pickle.boolean(false);
  pickle.ordered_dict();
  pickle.opcodes("tR");
}

std::string make_pickle(const std::vector<NamedTensor>& tensors,
                        const std::vector<std::pair<std::string, HyperParameter>>& hyper_parameters) {
  PickleWriter pickle;
  pickle.opcodes("}(");
  pickle.text("epoch");
  pickle.integer(0);
  pickle.text("global_step");
  pickle.integer(0);
  pickle.text("pytorch-lightning_version");
  pickle.text("2.0.0");
  pickle.text("state_dict");
  pickle.ordered_dict();
  pickle.opcodes("(");
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    pickle.text(tensors[i].name);
    write_tensor(pickle, tensors[i], i);
  }
  pickle.opcodes("u");
  pickle.text("hyper_parameters");
  pickle.opcodes("}(");
  for (const auto& [name, value] : hyper_parameters) {
    pickle.text(name);
    if (const auto* truth = std::get_if<bool>(&value)) pickle.boolean(*truth);
    if (const auto* whole = std::get_if<std::int64_t>(&value)) pickle.integer(*whole);
    if (const auto* real = std::get_if<double>(&value)) pickle.real(*real);
    if (const auto* text = std::get_if<std::string>(&value)) pickle.text(*text);
  }
  pickle.opcodes("uu");
  return pickle.finish();
}

std::uint32_t crc32(std::string_view bytes) {
  static const auto table = [] {
    std::array<std::uint32_t, 256> entries{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit) value = (value & 1U) != 0 ? 0xedb88320U ^ value >> 1U : value >> 1U;
      entries[i] = value;
    }
    return entries;
  }();
  std::uint32_t crc = 0xffffffff;
  for (const char c : bytes) crc = table[(crc ^ static_cast<unsigned char>(c)) & 0xffU] ^ crc >> 8U;
  return ~crc;
}

/// Writes a zip file of uncompressed records, each aligned to 64 bytes as torch.save does. Below 4 GiB.
class ZipWriter {
 public:
  explicit ZipWriter(std::ostream& out) : out_(out) {}

  void add(const std::string& name, std::string_view content) {
    constexpr std::size_t header_size = 30;
    constexpr std::size_t extra_header_size = 4;
    const std::size_t before = offset_ + header_size + name.size() + extra_header_size;
    const std::size_t padding = (64 - before % 64) % 64;
    Buffer fields;  // those that the local header and the directory share
    fields.number(std::uint16_t{0});
    fields.number(std::uint16_t{0});
    fields.number(std::uint16_t{0});       // time: none, for the same bytes each time
    fields.number(std::uint16_t{0x0021});  // date: the first that there is
    fields.number(crc32(content));
    fields.number(static_cast<std::uint32_t>(content.size()));
    fields.number(static_cast<std::uint32_t>(content.size()));
    fields.number(static_cast<std::uint16_t>(name.size()));

    Buffer entry;
    entry.text("PK\x01\x02");
    entry.number(std::uint16_t{0});
    entry.number(std::uint16_t{0});
    entry.text(fields.bytes());
    entry.number(std::uint16_t{0});
    entry.number(std::uint16_t{0});
    entry.number(std::uint16_t{0});
    entry.number(std::uint16_t{0});
    entry.number(std::uint32_t{0});
    entry.number(static_cast<std::uint32_t>(offset_));
    entry.text(name);
    directory_ += entry.bytes();
    ++entries_;

    Buffer local;
    local.text("PK\x03\x04");
    local.number(std::uint16_t{0});
    local.text(fields.bytes());
    local.number(static_cast<std::uint16_t>(extra_header_size + padding));
    local.text(name);
    local.text("FB");  // the id that torch.save gives to padding
    local.number(static_cast<std::uint16_t>(padding));
    local.text(std::string(padding, 'Z'));
    put(local.bytes());
    put(content);
  }

  void finish() {
    Buffer end;
    end.text("PK\x05\x06");
    end.number(std::uint32_t{0});
    end.number(entries_);
    end.number(entries_);
    end.number(static_cast<std::uint32_t>(directory_.size()));
    end.number(static_cast<std::uint32_t>(offset_));
    end.number(std::uint16_t{0});
    put(directory_);
    put(end.bytes());
  }

 private:
  void put(std::string_view bytes) {
    out_.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    offset_ += bytes.size();
  }

  std::ostream& out_;
  std::size_t offset_ = 0;
  std::string directory_;
  std::uint16_t entries_ = 0;
};

std::string_view bytes_of(const NamedTensor& tensor) {
  return std::visit(
      [](const auto& values) {
        // The file is little-endian, and so is every machine that LibTorch runs on here.
        static_assert(std::endian::native == std::endian::little);
        return std::string_view(
            reinterpret_cast<const char*>(values.data()),
            values.size() *
                sizeof(values[0]));  // NOLINT(cppcoreguidelines-pro-type-reinterpret-cast): bytes for a file
      },
      tensor.values);
}

}  // namespace

void write_lightning_checkpoint(const std::filesystem::path& file, const std::vector<NamedTensor>& tensors,
                                const std::vector<std::pair<std::string, HyperParameter>>& hyper_parameters) {
  write_file_atomically(file, [&](std::ostream& out) {
    ZipWriter zip(out);
    zip.add("archive/data.pkl", make_pickle(tensors, hyper_parameters));
    zip.add("archive/byteorder", "little");
    for (std::size_t i = 0; i < tensors.size(); ++i) zip.add("archive/data/" + std::to_string(i), bytes_of(tensors[i]));
    zip.add("archive/version", "3\n");
    zip.finish();
  });
}

}  // namespace stagemark
