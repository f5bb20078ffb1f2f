#include "load/load_messages.hpp"

#include <algorithm>
#include <variant>

#include "suite/setup_fields.hpp"
#include "workers/wire.hpp"

namespace stagemark::worker_protocol {

template <class Fields>
void describe(Fields& fields, ServingSettings& serving) {
  fields(serving.instances);
  fields(serving.threads);
  fields(serving.max_batch);
  fields(serving.max_batch_delay);
  fields(serving.queue_limit);
  fields(serving.deadline);
}

template <class Fields>
void describe(Fields& fields, LoadSetup& setup) {
  fields(setup.request);
  fields(setup.dataset.root);
  fields(setup.dataset.entries);
  fields(setup.serving);
  fields(setup.rule);
  fields(setup.image_memory_bytes);
}

template <class Fields>
void describe(Fields& fields, QueryRecord& query) {
  fields(query.scheduled);
  fields(query.sent);
  fields(query.dispatched);
  fields(query.completed);
  fields(query.batch_formation);
  fields(query.image);
  fields(query.instance);
  fields(query.batch_size);
  fields(query.outcome);
}

template <class Fields>
void describe(Fields& fields, LogPart& part) {
  fields(part.queries);
  fields(part.complete_until);
  fields(part.last);
}

template <class Fields>
void describe(Fields& fields, OpenLoop& open) {
  fields(open.scheduled);
}

template <class Fields>
void describe(Fields& fields, ClosedLoop& closed) {
  fields(closed.concurrency);
  fields(closed.samples_per_query);
  fields(closed.duration);
}

namespace {

/// One of the two kinds of arrivals is there.
struct WrittenOrder {
  std::optional<OpenLoop> open;
  std::optional<ClosedLoop> closed;
  std::size_t first_image = 0;
  Nanoseconds longest_run_out{0};
  bool unlimited = false;
};

}  // namespace

template <class Fields>
void describe(Fields& fields, WrittenOrder& order) {
  fields(order.open);
  fields(order.closed);
  fields(order.first_image);
  fields(order.longest_run_out);
  fields(order.unlimited);
}

std::vector<std::byte> encode(const LoadSetup& setup) { return encoded(setup); }

std::vector<std::byte> encode(const LoadOrder& order) {
  WrittenOrder written;
  written.first_image = order.first_image;
  written.longest_run_out = order.longest_run_out;
  written.unlimited = order.unlimited;
  if (const auto* open = std::get_if<OpenLoop>(&order.arrivals)) written.open = *open;
  if (const auto* closed = std::get_if<ClosedLoop>(&order.arrivals)) written.closed = *closed;
  return encoded(written);
}

std::vector<std::byte> encode(const LogPart& part) { return encoded(part); }

LoadSetup decode_load_setup(std::span<const std::byte> content) { return decoded<LoadSetup>(content); }

LoadOrder decode_load_order(std::span<const std::byte> content) {
  auto written = decoded<WrittenOrder>(content);
  if (written.open.has_value() == written.closed.has_value()) refuse_message();
  LoadOrder order;
  order.first_image = written.first_image;
  order.longest_run_out = written.longest_run_out;
  order.unlimited = written.unlimited;
  if (written.open) order.arrivals = *std::move(written.open);
  if (written.closed) order.arrivals = *written.closed;
  return order;
}

LogPart decode_log_part(std::span<const std::byte> content) { return decoded<LogPart>(content); }

void expect_sense(std::span<const QueryRecord> log, std::size_t samples_per_query, std::size_t images,
                  const ServingSettings& serving) {
  static constexpr Nanoseconds longest = std::chrono::hours{24 * 366};
  const auto is_time = [](Nanoseconds time) { return time >= Nanoseconds{0} && time < longest; };
  const bool makes_sense = std::ranges::all_of(log, [&](const QueryRecord& query) {
    return is_time(query.scheduled) && query.sent >= query.scheduled && query.dispatched >= query.sent &&
           query.completed >= query.dispatched && is_time(query.completed) && is_time(query.batch_formation) &&
           query.batch_formation <= query.dispatched - query.scheduled && query.batch_size <= serving.max_batch &&
           query.instance < serving.instances && (query.batch_size == 0 || query.image < images);
  });
  if (!makes_sense || log.size() % samples_per_query != 0 || !std::ranges::is_sorted(log, {}, &QueryRecord::scheduled))
    throw BackendError({.problem = "its worker told what cannot be true", .remedy = "use another build"});
}

}  // namespace stagemark::worker_protocol
