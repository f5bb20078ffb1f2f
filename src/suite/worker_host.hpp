#pragma once

#include <functional>
#include <optional>

#include "stagemark/backend/approach_request.hpp"
#include "stagemark/suite/dataset.hpp"
#include "suite/approach_host.hpp"
#include "suite/model_identities.hpp"
#include "workers/worker_process.hpp"

namespace stagemark {

/// An approach in a worker: a fresh one for each generation. A worker that fails ends its approach, and nothing else.
class WorkerHost final : public ApproachHost {
 public:
  WorkerHost(ApproachRequest request, WorkerCommand command, const Dataset& dataset, const RunOptions& options,
             ModelIdentities& models);

  void start() override;
  void ask_to_open(RunObserver& observer) override;
  void await_opened(RunObserver& observer) override;
  void warm_up(RunObserver& observer) override;
  bool take_turn(const Round& round, std::size_t position, RunObserver& observer) override;
  void dismiss() override {
    if (worker_) worker_->dismiss();
  }
  void end_generation() override { worker_.reset(); }
  [[nodiscard]] bool failed() const override { return result_.error.has_value(); }
  [[nodiscard]] ApproachResult measured() override { return result_; }
  ApproachResult finish() override { return std::move(result_); }
  [[nodiscard]] const DecodingNotes& notes() const override { return notes_; }

 private:
  /// Does it, unless the worker fails: its approach has then failed. \returns whether it was done
  bool attempt(RunObserver& observer, const std::function<void()>& work);
  /// Waits for what the worker measured, and adds it to what is known. False if its turn was interrupted.
  bool receive_update(worker_protocol::MessageType type, RunObserver& observer);

  ApproachRequest request_;
  WorkerCommand command_;
  const Dataset& dataset_;
  const RunOptions& options_;
  ModelIdentities& models_;  ///< of the whole run
  std::optional<WorkerProcess> worker_;
  ApproachResult result_;
  DecodingNotes notes_;
};

}  // namespace stagemark
