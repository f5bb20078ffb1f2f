#include "workers/frames.hpp"

#include <sys/mman.h>

#include "workers/wire.hpp"

namespace stagemark::worker_protocol {
namespace {

constexpr std::uint32_t mark = 0x6b72576d;  // "mWrk"

}  // namespace

void UnmapSigns::operator()(Signs* signs) const noexcept { munmap(signs, sizeof(Signs)); }

SharedSigns map_signs(int descriptor) {
  void* const memory = mmap(nullptr, sizeof(Signs), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  return SharedSigns(memory == MAP_FAILED ? nullptr : static_cast<Signs*>(memory));
}

std::vector<std::byte> frame(MessageType type, std::span<const std::byte> content) {
  Encoder whole;
  whole(mark);
  whole(static_cast<std::uint32_t>(type));
  whole(std::uint64_t{content.size()});
  whole.append(content);
  return whole.take();
}

std::optional<Message> take_message(std::vector<std::byte>& bytes) {
  if (bytes.size() < header_size) return std::nullopt;
  const std::span<const std::byte> all(bytes);
  Decoder header(all.first(header_size));
  std::uint32_t begins = 0;
  std::uint32_t type = 0;
  std::uint64_t size = 0;
  header(begins);
  header(type);
  header(size);
  if (begins != mark || type > static_cast<std::uint32_t>(MessageType::queries) || size > largest_content)
    refuse_message();
  if (bytes.size() - header_size < size) return std::nullopt;
  const auto content = bytes.begin() + header_size;
  const auto end = content + static_cast<std::ptrdiff_t>(size);
  Message message{static_cast<MessageType>(type), {content, end}};
  bytes.erase(bytes.begin(), end);
  return message;
}

std::vector<std::byte> encode_version(std::uint32_t number) { return encoded(number); }
std::uint32_t decode_version(std::span<const std::byte> content) { return decoded<std::uint32_t>(content); }

}  // namespace stagemark::worker_protocol
