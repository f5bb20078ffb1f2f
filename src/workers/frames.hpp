#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

// What a worker and the process that started it say to one another, over one stream socket: frames of a header and as
// many bytes as it says. Both ends may be different builds of the tool, so that the worker tells its version first, every
// message is written field by field, and what does not read back whole is refused.

namespace stagemark::worker_protocol {

/// To be counted up with every change of any message.
inline constexpr std::uint32_t version = 8;

/// File descriptors that a worker is started with.
inline constexpr int channel_descriptor = 3;
inline constexpr int signs_descriptor = 4;

enum class MessageType : std::uint32_t {
  ready,     ///< from the worker, first, and the same in all versions: its version
  setup,     ///< to the worker: the approach to open, and what its job needs
  opened,    ///< from the worker: it has the approach
  turn,      ///< to the worker: measure this round
  measured,  ///< from the worker: what a turn or its warm-up gave
  warm_up,   ///< to the worker, before its turns: nothing else computes now
  queries    ///< from the worker, after `measured`: a part of a load's log
};

struct Message {
  MessageType type = MessageType::ready;
  std::vector<std::byte> content;
};

/// Memory that both share.
struct Signs {
  std::uint64_t of_life = 0;  ///< counted up by the worker with every call
  std::uint32_t stop = 0;     ///< set by the other end: stop working on the last message
};

struct UnmapSigns {
  void operator()(Signs* signs) const noexcept;
};
/// This process's view of them.
using SharedSigns = std::unique_ptr<Signs, UnmapSigns>;
/// Empty where the descriptor is no such memory.
SharedSigns map_signs(int descriptor);

/// Header of a frame: type and length, and a mark that tells a stray print from a message.
inline constexpr std::size_t header_size = 16;
/// A data set of ten million paths is below it.
inline constexpr std::uint64_t largest_content = std::uint64_t{1} << 32U;

std::vector<std::byte> frame(MessageType type, std::span<const std::byte> content);

/// The first message in the bytes, which are then removed from them; absent while it is not complete.
/// \throws BackendError if the bytes begin with no frame
std::optional<Message> take_message(std::vector<std::byte>& bytes);

std::vector<std::byte> encode_version(std::uint32_t number);
/// \throws BackendError if it is not a version
std::uint32_t decode_version(std::span<const std::byte> content);

}  // namespace stagemark::worker_protocol
