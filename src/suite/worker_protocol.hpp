#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "stagemark/suite/dataset.hpp"
#include "stagemark/suite/results_collector.hpp"
#include "stagemark/suite/run_plan.hpp"
#include "suite/decoding_notes.hpp"

/// What suite and worker say to one another, over one stream socket: frames of a header and as many bytes as it says.
/// Both ends may be different builds of the tool, so that every message is written field by field, and what does not read
/// back whole is refused.
namespace stagemark::worker_protocol {

/// To be counted up with every change of what follows.
inline constexpr std::uint32_t version = 3;

/// File descriptors that a worker is started with.
inline constexpr int channel_descriptor = 3;
inline constexpr int signs_descriptor = 4;

enum class MessageType : std::uint32_t {
  ready,    ///< from the worker, first: its version
  setup,    ///< to the worker: the data set and how to measure
  opened,   ///< from the worker: it has the approach and is warm
  turn,     ///< to the worker: measure this round
  measured  ///< from the worker: what a turn gave
};

struct Message {
  MessageType type = MessageType::ready;
  std::vector<std::byte> content;
};

/// Shared memory of a suite and its worker.
struct Signs {
  std::uint64_t of_life = 0;  ///< counted up by the worker with every call
  std::uint32_t stop = 0;     ///< set by the suite: end the turn
};

/// What is needed to measure: files and options, no labels.
struct Setup {
  Dataset dataset;
  RunOptions options;
};

struct Turn {
  Round round;
  std::size_t position = 0;
};

/// What a turn gave, with what the process knows of the approach.
struct Measured {
  ApproachResult result;  ///< since the last message; without the approach
  DecodingNotes notes;
  bool interrupted = false;
};

std::vector<std::byte> encode(const Setup& setup);
std::vector<std::byte> encode(const Turn& turn);
std::vector<std::byte> encode(const Measured& measured);
std::vector<std::byte> encode(std::uint32_t number);

/// \throws BackendError if the bytes are not such a message
Setup decode_setup(std::span<const std::byte> content);
Turn decode_turn(std::span<const std::byte> content);
Measured decode_measured(std::span<const std::byte> content);
std::uint32_t decode_number(std::span<const std::byte> content);

/// Header of a frame: type and length, and a mark that tells a stray print from a message.
inline constexpr std::size_t header_size = 16;
/// A data set of ten million paths is below it.
inline constexpr std::uint64_t largest_content = std::uint64_t{1} << 32U;

std::vector<std::byte> frame(MessageType type, std::span<const std::byte> content);

/// The first message in the bytes, which are then removed from them; absent while it is not complete.
/// \throws BackendError if the bytes begin with no frame
std::optional<Message> take_message(std::vector<std::byte>& bytes);

}  // namespace stagemark::worker_protocol
