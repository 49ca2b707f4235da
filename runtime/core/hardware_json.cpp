//===- hardware_json.cpp - Reading and writing hw.json --------------------===//

#include "kernels/signatures.h"
#include "runtime/core/hardware.h"
#include "runtime/core/json.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>
#include <set>
#include <tuple>

namespace sluice {
namespace {

using nlohmann::json;

constexpr const char *kFormat = "sluice hardware 1";
constexpr size_t kMaxEntries = 20000;
constexpr size_t kMaxText = 1000;

struct FigureKey {
  const char *key;
  Figure Hardware::*member;
};
constexpr FigureKey kFigures[] = {
    {"device_bandwidth_gb_s", &Hardware::deviceBandwidth},
    {"tensor_tflops", &Hardware::tensorTflops},
    {"vector_tflops", &Hardware::vectorTflops},
    {"host_read_gb_s", &Hardware::hostRead},
    {"disk_read_gb_s", &Hardware::diskRead},
    {"launch_us", &Hardware::launchUs},
    {"graph_node_us", &Hardware::graphNodeUs},
    {"sync_us", &Hardware::syncUs},
    {"copy_latency_us", &Hardware::copyLatencyUs},
};

/// Those that may be left out.
constexpr FigureKey kOptionalFigures[] = {
    {"round_trip_us", &Hardware::roundTripUs},
    {"join_us", &Hardware::joinUs},
    {"host_job_us", &Hardware::hostJobUs},
};
constexpr const char *kShared = "host_memory_shared_gb_s";

struct CurveKey {
  const char *key;
  Curve Hardware::*member;
};
constexpr CurveKey kCurves[] = {
    {"host_to_device_gb_s_by_bytes", &Hardware::hostToDevice},
    {"device_to_host_gb_s_by_bytes", &Hardware::deviceToHost},
    {"host_expert_gb_s_by_rows", &Hardware::hostExpert},
};

Status wrong(const std::string &where, const json &found,
             const std::string &expected) {
  return Status(ErrorCode::Corrupt, where + ": found " + describeJson(found) +
                                        ", expected " + expected);
}

/// Refuses keys that nothing reads: a mistyped one would be a figure unread.
Status checkKeys(const JsonObject &object, const std::string &where,
                 const std::set<std::string, std::less<>> &known) {
  for (const auto &[key, value] : object.value().items())
    if (!known.contains(key))
      return Status(ErrorCode::Corrupt, where + ": found the key " +
                                            inQuotes(key, 60) +
                                            ", expected none but known ones");
  return Status::ok();
}

/// Finite and within what any machine can be: 1e-9 to 1e9.
bool sane(double value) { return value >= 1e-9 && value <= 1e9; }

Result<double> readNumber(const JsonObject &object, const char *key) {
  SLUICE_ASSIGN_OR_RETURN(double value, object.number(key));
  if (!sane(value))
    return object.mismatch(key, "a number from 1e-9 to 1e9");
  return value;
}

Result<std::string> readText(const JsonObject &object, const char *key) {
  SLUICE_ASSIGN_OR_RETURN(std::string text, object.string(key));
  if (text.empty() || text.size() > kMaxText)
    return object.mismatch(key, "a text of 1 to " + std::to_string(kMaxText) +
                                    " bytes");
  return text;
}

Status readFigure(const JsonObject &root, const char *key, Figure &figure) {
  SLUICE_ASSIGN_OR_RETURN(JsonObject object, root.object(key));
  SLUICE_RETURN_IF_ERROR(
      checkKeys(object, root.where(key), {"value", "source"}));
  SLUICE_ASSIGN_OR_RETURN(figure.value, readNumber(object, "value"));
  SLUICE_ASSIGN_OR_RETURN(figure.source, readText(object, "source"));
  return Status::ok();
}

/// What a point of a curve is in hw.json: its first number increases, the rest
/// are rates.
template <size_t N> struct PointForm {
  const char *one, *many; ///< "a pair [x, y]", "pairs [x, y]".
  const char *first;      ///< What increases: "x".
};
constexpr PointForm<2> kPair = {"a pair [x, y]", "pairs [x, y]", "x"};
constexpr PointForm<3> kTriple = {"a triple [rows, bus, experts]",
                                  "triples [rows, bus, experts]", "rows"};

/// Reads "points" of `object`, at least one.
template <size_t N>
Result<std::vector<std::array<double, N>>>
readPoints(const JsonObject &object, const PointForm<N> &form) {
  const json *points = object.find("points");
  if (!points || !points->is_array() || points->empty() ||
      points->size() > kMaxEntries)
    return object.mismatch("points", "an array of 1 to " +
                                         std::to_string(kMaxEntries) + " " +
                                         form.many);
  std::vector<std::array<double, N>> read;
  for (const json &point : *points) {
    const std::string at =
        object.where("points") + "[" + std::to_string(read.size()) + "]";
    if (!point.is_array() || point.size() != N ||
        !std::ranges::all_of(
            point, [](const json &number) { return number.is_number(); }))
      return wrong(at, point, form.one);
    std::array<double, N> numbers = {};
    for (size_t i = 0; i < N; ++i)
      numbers[i] = point[i].template get<double>();
    const double before = read.empty() ? 0 : read.back()[0];
    if (!(numbers[0] > before) || !(numbers[0] <= 1e15))
      return wrong(at, point[0],
                   std::string("more than the ") + form.first +
                       " before, at most 1e15");
    for (size_t i = 1; i < N; ++i)
      if (!sane(numbers[i]))
        return wrong(at, point[i], "a number from 1e-9 to 1e9");
    read.push_back(numbers);
  }
  return read;
}

Status readCurve(const JsonObject &root, const char *key, Curve &curve) {
  SLUICE_ASSIGN_OR_RETURN(JsonObject object, root.object(key));
  SLUICE_RETURN_IF_ERROR(
      checkKeys(object, root.where(key), {"points", "source"}));
  SLUICE_ASSIGN_OR_RETURN(curve.source, readText(object, "source"));
  SLUICE_ASSIGN_OR_RETURN(const auto points, readPoints(object, kPair));
  for (const auto &[x, y] : points)
    curve.points.push_back({x, y});
  return Status::ok();
}

Status readShared(const JsonObject &root, SharedMemory &shared) {
  SLUICE_ASSIGN_OR_RETURN(JsonObject object, root.object(kShared));
  // First, so that one pair {bus, experts} of no number of rows, as it once
  // stood here, is told what stands here now.
  SLUICE_ASSIGN_OR_RETURN(const auto points, readPoints(object, kTriple));
  SLUICE_RETURN_IF_ERROR(checkKeys(object, root.where(kShared),
                                   {"points", "bus_alone", "source"}));
  for (const auto &[rows, bus, experts] : points)
    shared.points.push_back({rows, {bus, experts}});
  SLUICE_ASSIGN_OR_RETURN(shared.busAlone, readNumber(object, "bus_alone"));
  SLUICE_ASSIGN_OR_RETURN(shared.source, readText(object, "source"));
  return Status::ok();
}

Result<KernelTime> readKernel(const JsonObject &object,
                              const std::string &where) {
  SLUICE_RETURN_IF_ERROR(
      checkKeys(object, where,
                {"kernel", "arithmetic", "dims", "rows", "context", "us"}));
  KernelTime time;
  SLUICE_ASSIGN_OR_RETURN(std::string mnemonic, object.string("kernel"));
  const Signature *signature = findSignature(mnemonic);
  if (!signature)
    return object.mismatch("kernel", "the name of a kernel");
  time.kernel = signature->kernel;
  SLUICE_ASSIGN_OR_RETURN(std::string arithmetic, object.string("arithmetic"));
  if (arithmetic != name(Arithmetic::Portable) &&
      arithmetic != name(Arithmetic::Tensor))
    return object.mismatch("arithmetic", "'portable' or 'tensor'");
  time.arithmetic = arithmetic == name(Arithmetic::Tensor)
                        ? Arithmetic::Tensor
                        : Arithmetic::Portable;
  constexpr int64_t kMaxDim = int64_t{1} << 40;
  SLUICE_ASSIGN_OR_RETURN(time.dims, object.integers("dims", 0, kMaxDim));
  if (time.dims.size() != signature->dims.size())
    return object.mismatch("dims", std::to_string(signature->dims.size()) +
                                       " dims, as " + mnemonic + " has");
  SLUICE_ASSIGN_OR_RETURN(time.rows, object.integer("rows", 1, kMaxDim));
  SLUICE_ASSIGN_OR_RETURN(time.context,
                          object.integerOr("context", 0, 0, kMaxDim));
  SLUICE_ASSIGN_OR_RETURN(time.us, readNumber(object, "us"));
  return time;
}

Result<ExpertTime> readExpert(const JsonObject &object,
                              const std::string &where) {
  SLUICE_RETURN_IF_ERROR(
      checkKeys(object, where, {"hidden", "inner", "bytes", "rows", "us"}));
  constexpr int64_t kMost = int64_t{1} << 40;
  ExpertTime time;
  SLUICE_ASSIGN_OR_RETURN(time.hidden, object.integer("hidden", 1, kMost));
  SLUICE_ASSIGN_OR_RETURN(time.inner, object.integer("inner", 1, kMost));
  SLUICE_ASSIGN_OR_RETURN(int64_t bytes, object.integer("bytes", 1, kMost));
  time.bytes = static_cast<uint64_t>(bytes);
  SLUICE_ASSIGN_OR_RETURN(time.rows, readNumber(object, "rows"));
  SLUICE_ASSIGN_OR_RETURN(time.us, readNumber(object, "us"));
  return time;
}

/// Reads the array under `key`, absent or not, without entries that say the
/// same thing twice: `identity` is what must differ.
template <typename T, typename Read, typename Identity>
Status readEntries(const JsonObject &root, const char *key,
                   std::vector<T> &entries, Read read, Identity identity) {
  const json *array = root.find(key);
  if (!array)
    return Status::ok();
  if (!array->is_array() || array->size() > kMaxEntries)
    return root.mismatch(key, "an array of at most " +
                                  std::to_string(kMaxEntries) + " objects");
  std::set<decltype(identity(T()))> seen;
  for (const json &element : *array) {
    const std::string path =
        std::string(key) + "[" + std::to_string(entries.size()) + "]";
    SLUICE_ASSIGN_OR_RETURN(JsonObject object,
                            JsonObject::of(element, root.fileName(), path));
    SLUICE_ASSIGN_OR_RETURN(T entry, read(object, root.where(path)));
    if (!seen.insert(identity(entry)).second)
      return Status(ErrorCode::Corrupt, root.where(path) +
                                            ": found the shape and rows of an "
                                            "entry before, expected them once");
    entries.push_back(std::move(entry));
  }
  return Status::ok();
}

std::string jsonText(std::string_view text) {
  return json(std::string(text))
      .dump(-1, ' ', false, json::error_handler_t::replace);
}

template <typename T> std::string list(const std::vector<T> &values) {
  std::string text;
  for (const T &value : values)
    text += (text.empty() ? "" : ", ") + json(value).dump();
  return "[" + text + "]";
}

std::string printCurve(const Curve &curve) {
  std::string points;
  for (const Curve::Point &point : curve.points)
    points +=
        (points.empty() ? "" : ", ") + list(std::vector{point.x, point.y});
  return "{\"points\": [" + points +
         "],\n    \"source\": " + jsonText(curve.source) + "}";
}

std::string printShared(const SharedMemory &shared) {
  std::string points;
  for (const SharedMemory::Point &point : shared.points)
    points += (points.empty() ? "" : ", ") +
              list(std::vector{point.rows, point.both.bus, point.both.experts});
  return "{\"points\": [" + points +
         "],\n    \"bus_alone\": " + json(shared.busAlone).dump() +
         ", \"source\": " + jsonText(shared.source) + "}";
}

} // namespace

Result<Hardware> parseHardware(std::string_view text,
                               std::string_view fileName) {
  JsonLimits limits;
  limits.maxBytes = size_t{16} << 20;
  limits.maxDepth = 8;
  SLUICE_ASSIGN_OR_RETURN(json document, parseJson(text, fileName, limits));
  SLUICE_ASSIGN_OR_RETURN(JsonObject root,
                          JsonObject::of(document, std::string(fileName)));
  SLUICE_ASSIGN_OR_RETURN(std::string format, root.string("format"));
  if (format != kFormat)
    return root.mismatch("format", inQuotes(kFormat));
  std::set<std::string, std::less<>> known = {"format", "name", "kernels",
                                              "experts", kShared};
  for (const FigureKey &figure : kFigures)
    known.insert(figure.key);
  for (const FigureKey &figure : kOptionalFigures)
    known.insert(figure.key);
  for (const CurveKey &curve : kCurves)
    known.insert(curve.key);
  SLUICE_RETURN_IF_ERROR(checkKeys(root, std::string(fileName), known));

  Hardware hardware;
  SLUICE_ASSIGN_OR_RETURN(hardware.name, readText(root, "name"));
  for (const FigureKey &figure : kFigures)
    SLUICE_RETURN_IF_ERROR(
        readFigure(root, figure.key, hardware.*figure.member));
  for (const FigureKey &figure : kOptionalFigures)
    if (root.has(figure.key))
      SLUICE_RETURN_IF_ERROR(
          readFigure(root, figure.key, hardware.*figure.member));
  for (const CurveKey &curve : kCurves)
    SLUICE_RETURN_IF_ERROR(readCurve(root, curve.key, hardware.*curve.member));
  if (root.has(kShared))
    SLUICE_RETURN_IF_ERROR(readShared(root, hardware.shared));
  SLUICE_RETURN_IF_ERROR(readEntries(
      root, "kernels", hardware.kernels, readKernel, [](const KernelTime &t) {
        return std::tuple(t.kernel, t.arithmetic, t.dims, t.rows, t.context);
      }));
  SLUICE_RETURN_IF_ERROR(readEntries(
      root, "experts", hardware.experts, readExpert, [](const ExpertTime &t) {
        return std::tuple(t.hidden, t.inner, t.bytes, t.rows);
      }));
  return hardware;
}

std::string printHardware(const Hardware &hardware) {
  std::string text = "{\n  \"format\": " + jsonText(kFormat) +
                     ",\n  \"name\": " + jsonText(hardware.name);
  for (const CurveKey &curve : kCurves)
    text += ",\n  " + jsonText(curve.key) + ": " +
            printCurve(hardware.*curve.member);
  auto printFigure = [&](const FigureKey &key) {
    const Figure &figure = hardware.*key.member;
    text += ",\n  " + jsonText(key.key) +
            ": {\"value\": " + json(figure.value).dump() +
            ", \"source\": " + jsonText(figure.source) + "}";
  };
  for (const FigureKey &key : kFigures)
    printFigure(key);
  for (const FigureKey &key : kOptionalFigures)
    if ((hardware.*key.member).value > 0)
      printFigure(key);
  if (!hardware.shared.points.empty())
    text += ",\n  " + jsonText(kShared) + ": " + printShared(hardware.shared);
  std::string entries;
  for (const KernelTime &time : hardware.kernels)
    entries += (entries.empty() ? "\n    " : ",\n    ") +
               std::string("{\"kernel\": ") +
               jsonText(findSignature(time.kernel)->name) +
               ", \"arithmetic\": " + jsonText(name(time.arithmetic)) +
               ", \"dims\": " + list(time.dims) +
               ", \"rows\": " + std::to_string(time.rows) +
               ", \"context\": " + std::to_string(time.context) +
               ", \"us\": " + json(time.us).dump() + "}";
  text += ",\n  \"kernels\": [" + entries + (entries.empty() ? "]" : "\n  ]");
  entries.clear();
  for (const ExpertTime &time : hardware.experts)
    entries += (entries.empty() ? "\n    " : ",\n    ") +
               std::string("{\"hidden\": ") + std::to_string(time.hidden) +
               ", \"inner\": " + std::to_string(time.inner) +
               ", \"bytes\": " + std::to_string(time.bytes) +
               ", \"rows\": " + json(time.rows).dump() +
               ", \"us\": " + json(time.us).dump() + "}";
  text += ",\n  \"experts\": [" + entries + (entries.empty() ? "]" : "\n  ]");
  return text + "\n}\n";
}

const Hardware &builtInHardware() {
  static const Hardware machine = [] {
    const std::string assumed =
        "assumed: no --hardware was given; about a desktop with PCIe 3.0 x16";
    Hardware hardware;
    hardware.name = "built-in (conservative)";
    for (const auto &[key, value] :
         std::initializer_list<std::pair<Figure Hardware::*, double>>{
             {&Hardware::deviceBandwidth, 300},
             {&Hardware::tensorTflops, 25},
             {&Hardware::vectorTflops, 5},
             {&Hardware::hostRead, 25},
             {&Hardware::diskRead, 1.5},
             {&Hardware::launchUs, 5},
             {&Hardware::graphNodeUs, 1.5},
             {&Hardware::syncUs, 15},
             {&Hardware::copyLatencyUs, 12}})
      hardware.*key = Figure{value, assumed};
    hardware.hostToDevice = {{{262144, 8}, {1048576, 10}, {8388608, 11.5}},
                             assumed};
    hardware.deviceToHost = hardware.hostToDevice;
    hardware.hostExpert = {{{1, 20}, {4, 16}, {16, 6}, {64, 1.5}}, assumed};
    return hardware;
  }();
  return machine;
}

} // namespace sluice
