#include "server/telemetry/survey.h"

#include <string>
#include <utility>

#include "server/insights/doubts.h"
#include "server/ledger/reservations.h"

namespace onhand::telemetry {
namespace {

// Between two slices, so that a survey takes a small part of one core.
constexpr absl::Duration kPause = absl::Milliseconds(2);
constexpr int kReservationsASlice = 500;

}  // namespace

Survey::Survey(const hub::Hub* hub, absl::Duration rest)
    : hub_(hub), rest_(rest), thread_([this] { Run(); }) {}

Survey::~Survey() {
  stopping_.Notify();
  thread_.join();
}

void Survey::Run() {
  while (CountReservations() && CountDoubts() && !stopping_.WaitForNotificationWithTimeout(rest_)) {
  }
}

bool Survey::CountDoubts() {
  insights::DoubtQuestion question;
  question.listed_max = 0;
  insights::DoubtScan scan(question);
  while (!hub_->Read([&](const ledger::Ledger& ledger) { return scan.Step(ledger); })) {
    if (stopping_.WaitForNotificationWithTimeout(kPause)) return false;
  }
  doubted_.store(scan.Take().doubted_count(), std::memory_order_relaxed);
  return true;
}

bool Survey::CountReservations() {
  std::array<uint64_t, kReservationStates> found{};
  std::pair<int64_t, std::string> next;
  for (bool all_seen = false; !all_seen;) {
    hub_->Read([&](const ledger::Ledger& ledger) {
      const ledger::Reservations& reservations = ledger.state().reservations;
      int left = kReservationsASlice;
      all_seen = true;
      reservations.by_creation.VisitFrom(next, [&](const std::pair<int64_t, std::string>& key) {
        if (left-- == 0) {
          next = key;
          all_seen = false;
          return false;
        }
        const ledger::journal::Reservation* row = reservations.rows.Find(key.second);
        if (row != nullptr) ++found[static_cast<size_t>(ledger::StateOf(*row))];
        return true;
      });
    });
    if (!all_seen && stopping_.WaitForNotificationWithTimeout(kPause)) return false;
  }
  for (size_t state = 0; state < found.size(); ++state) {
    reservations_[state].store(found[state], std::memory_order_relaxed);
  }
  return true;
}

}  // namespace onhand::telemetry
