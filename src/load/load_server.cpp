#include "load/load_server.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "stagemark/backend/read_out.hpp"
#include "suite/failure_reason.hpp"
#include "suite/peak_memory.hpp"

namespace stagemark {
LoadServer::LoadServer(const worker_protocol::LoadSetup& setup, Approach approach, const ImageSource& images,
                       std::vector<std::unique_ptr<InferenceWrapper>> instances)
    : setup_(setup),
      source_(images),
      lanes_(instances.size()),
      approach_(std::move(approach)),
      first_(setup.dataset.entries.size()) {
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    lanes_[i].wrapper = std::move(instances[i]);
    lanes_[i].out.resize(setup.serving.max_batch);
  }
}

void LoadServer::load_images(std::size_t first, std::size_t wanted, const std::function<void()>& alive) {
  const std::vector<DatasetEntry>& entries = setup_.dataset.entries;
  wanted = std::clamp<std::size_t>(wanted, 1, entries.size());
  const std::size_t again = setup_.serving.max_batch - 1;
  const std::size_t all = entries.size() - notes_.broken.size();
  const bool holds_all = indices_.size() == all && all > 0;
  if (holds_all || (first == loaded_from_ && indices_.size() >= wanted)) {
    // From another one on: the same images in another order.
    const auto start = std::ranges::find(indices_, first);
    if (first == loaded_from_ || start == indices_.end()) return;
    images_.resize(indices_.size());
    std::rotate(images_.begin(), images_.begin() + (start - indices_.begin()), images_.end());
    std::rotate(indices_.begin(), start, indices_.end());
  } else {
    images_.clear();
    indices_.clear();
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < entries.size() && indices_.size() < wanted; ++i) {
      if (!images_.empty() && bytes >= setup_.image_memory_bytes) break;
      alive();
      const std::size_t index = (first + i) % entries.size();
      if (notes_.broken.contains(index)) continue;
      const auto reason = failure_reason([&] {
        Image image = source_.load(setup_.dataset.file(entries[index]));
        bytes += image.pixels.size();
        if (image.sixteen_bit_range) notes_.sixteen_bit.emplace(index, *image.sixteen_bit_range);
        images_.push_back(std::move(image));
        indices_.push_back(index);
      });
      if (reason) notes_.broken.emplace(index, *reason);
    }
    if (images_.empty()) notes_.refuse_all(setup_.dataset);
  }
  loaded_from_ = first;
  images_.reserve(indices_.size() + again);
  for (std::size_t i = 0; i < again; ++i) images_.push_back(images_[i % indices_.size()]);
}

void LoadServer::warm_up(const std::function<void()>& alive) {
  load_images(0, setup_.serving.max_batch, alive);
  constexpr int calls = 3;
  for (Lane& lane : lanes_) {
    for (const std::size_t size : {std::size_t{1}, setup_.serving.max_batch}) {
      for (int call = 0; call < calls; ++call) {
        alive();
        // What fails here fails again in a load, and is counted there.
        (void)failure_reason([&] {
          lane.wrapper->predict(std::span(images_).first(size), std::span(lane.out).first(size), lane.timer);
        });
      }
    }
  }
}

LiveLoadResult LoadServer::serve(const LoadOrder& order, const std::function<void()>& alive,
                                 LiveLoadObserver& observer) {
  const auto* open = std::get_if<OpenLoop>(&order.arrivals);
  load_images(order.first_image, open != nullptr ? open->scheduled.size() : setup_.dataset.entries.size(), alive);
  facts_ = lanes_.front().wrapper->execution_facts();
  ServingSettings serving = setup_.serving;
  if (order.unlimited) {
    serving.queue_limit.reset();
    serving.deadline.reset();
  }
  LiveLoadResult served = serve_live(
      serving, order.arrivals,
      [this](std::size_t instance, std::size_t first, std::span<const QueryId>, std::span<QueryOutcome> outcomes) {
        classify(lanes_[instance], first, outcomes);
      },
      order.longest_run_out, observer);
  for (QueryRecord& query : served.log) {
    query.image = query.batch_size > 0 ? static_cast<std::uint32_t>(indices_[query.image % indices_.size()]) : 0;
  }
  return served;
}

/// In the thread of the lane's instance.
void LoadServer::classify(Lane& lane, std::size_t first, std::span<QueryOutcome> outcomes) {
  const std::size_t position = first % indices_.size();
  const std::size_t size = outcomes.size();
  const std::span<Prediction> out = std::span(lane.out).first(size);
  std::ranges::fill(out, Prediction{});
  const auto reason =
      failure_reason([&] { lane.wrapper->predict(std::span(images_).subspan(position, size), out, lane.timer); });

  const std::scoped_lock lock(mutex_);
  if (!reason) {
    const std::span<const float> scores = lane.wrapper->scores();
    if (scores.size() % size == 0) outputs_ = std::max(outputs_, scores.size() / size);
    if (out.front().logit) logits_.see(scores, size, facts_.outputs_unknown);
  }
  for (std::size_t i = 0; i < size; ++i) {
    std::optional<std::string> failed = reason;
    if (!failed) failed = defect(out[i]);
    if (!failed) failed = foreign_class(out[i], setup_.rule);
    if (failed) outcomes[i] = QueryOutcome::failed;
    const std::size_t image = indices_[(position + i) % indices_.size()];
    const InferenceRecord inference{image, failed ? std::nullopt : std::optional(out[i])};
    if (first_.add(inference, setup_.rule, facts_.precision, repeats_) && failed) failures_.push_back({image, *failed});
  }
}

worker_protocol::Measured LoadServer::take() {
  ApproachResult taken;
  taken.approach = approach_;
  if (const auto reason = failure_reason([&] { taken.facts = lanes_.front().wrapper->execution_facts(); })) {
    taken.error = "cannot tell what runs: " + *reason;
  }
  taken.asynchronous = lanes_.front().wrapper->asynchronous();
  const auto untold = first_.all().subspan(told_);
  taken.inferences.assign(untold.begin(), untold.end());
  told_ += untold.size();
  taken.failures = std::exchange(failures_, {});
  taken.repeats = std::exchange(repeats_, {});
  taken.logits = std::exchange(logits_, {});
  if (!taken.error) taken.error = unlike_asked(taken.approach, taken.facts);
  if (!taken.error) taken.error = foreign_outputs(outputs_, setup_.rule);
  taken.peak_rss_bytes = peak_rss_bytes();
  (void)failure_reason([&] { taken.device_peak_bytes = lanes_.front().wrapper->device_peak_bytes(); });
  return {std::move(taken), notes_, false};
}

}  // namespace stagemark
