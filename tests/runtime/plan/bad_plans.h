//===- bad_plans.h - Good plans, spoiled in one place -----------*- C++ -*-===//
#pragma once

#include "runtime/plan/plan.h"
#include "tests/runtime/io/temporary_directory.h"
#include "tests/runtime/plan/plan_writer.h"

#include <algorithm>
#include <functional>
#include <gtest/gtest.h>

namespace sluice::testing {

/// One thing that is wrong, and parts of what the error must say.
struct BadPlan {
  const char *name;
  std::function<void(fb::PlanT &)> spoil;
  std::initializer_list<std::string_view> says;
};

inline fb::EntryT &prefill(fb::PlanT &plan) { return *plan.entries[0]; }

/// The `nth` launch of `kernel` in prefill.
inline fb::LaunchT &launch(fb::PlanT &plan, Kernel kernel, int nth = 0) {
  for (auto &instruction : prefill(plan).instructions)
    if (fb::LaunchT *launch = instruction->operation.AsLaunch())
      if (static_cast<Kernel>(launch->kernel) == kernel && nth-- == 0)
        return *launch;
  ADD_FAILURE() << "no such launch";
  std::abort();
}

inline fb::CopyT &copy(fb::PlanT &plan, int nth) {
  for (auto &instruction : prefill(plan).instructions)
    if (fb::CopyT *copy = instruction->operation.AsCopy())
      if (nth-- == 0)
        return *copy;
  ADD_FAILURE() << "no such copy";
  std::abort();
}

inline fb::BufferT &buffer(fb::PlanT &plan, const char *name) {
  return *plan.buffers[findBuffer(plan, name)];
}

/// Where the `nth` operation of this type stands in prefill.
inline size_t indexOf(fb::PlanT &plan, fb::Operation type, int nth = 0) {
  auto &list = prefill(plan).instructions;
  for (size_t i = 0; i < list.size(); ++i)
    if (list[i]->operation.type == type && nth-- == 0)
      return i;
  ADD_FAILURE() << "no such operation";
  std::abort();
}

/// Removes the `nth` operation of this type from prefill.
inline void erase(fb::PlanT &plan, fb::Operation type, int nth = 0) {
  auto &list = prefill(plan).instructions;
  list.erase(list.begin() + indexOf(plan, type, nth));
}

/// The `nth` operation of type `T` in prefill: step<fb::ExpertRunT>(plan).
template <typename T> T &step(fb::PlanT &plan, int nth = 0) {
  size_t at = indexOf(
      plan, fb::OperationTraits<typename T::TableType>::enum_value, nth);
  return *static_cast<T *>(prefill(plan).instructions[at]->operation.value);
}

/// Puts `operation` before instruction `at` of prefill.
template <typename T>
void insert(fb::PlanT &plan, size_t at, fb::StreamKind stream, T operation) {
  auto instruction = std::make_unique<fb::InstructionT>();
  instruction->stream = stream;
  instruction->operation.Set(std::move(operation));
  auto &list = prefill(plan).instructions;
  list.insert(list.begin() + at, std::move(instruction));
}

/// Moves instruction `from` of prefill so that it stands at `to`.
inline void move(fb::PlanT &plan, size_t from, size_t to) {
  auto &list = prefill(plan).instructions;
  auto instruction = std::move(list[from]);
  list.erase(list.begin() + from);
  list.insert(list.begin() + to, std::move(instruction));
}

/// Spoils `plan` and wants it refused in one line.
inline void expectRefused(fb::PlanT plan, const BadPlan &bad) {
  bad.spoil(plan);
  auto opened = plan::Plan::fromBytes(pack(plan), "bad.plan");
  ASSERT_FALSE(opened.isOk()) << bad.name;
  expectLine(opened.status().message(), {"bad.plan: "});
  expectLine(opened.status().message(), bad.says);
}

inline std::string nameOf(const ::testing::TestParamInfo<BadPlan> &info) {
  std::string name = info.param.name;
  for (char &c : name)
    c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
}

} // namespace sluice::testing
