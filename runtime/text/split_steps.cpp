//===- split_steps.cpp ------------------------------------------*- C++ -*-===//
#include "runtime/text/split_steps.h"

namespace sluice::text {
namespace {

/// The pattern of ByteLevel with use_regex, which no file repeats (GPT-2's).
constexpr std::string_view kByteLevelPattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

/// `part` and, when it is a Sequence, the members of its list.
Result<std::vector<JsonObject>> membersOf(const JsonObject &part,
                                          std::string_view listKey) {
  std::vector<JsonObject> members;
  SLUICE_ASSIGN_OR_RETURN(std::string type, part.string("type"));
  if (type != "Sequence") {
    members.push_back(part);
    return members;
  }
  const nlohmann::json *list = part.find(listKey);
  if (!list || !list->is_array())
    return part.mismatch(listKey, "an array");
  for (size_t i = 0; i < list->size(); ++i) {
    // JsonObject::where("x") is "file: path.x": the path without the file.
    std::string path = part.where(listKey).substr(part.fileName().size() + 2) +
                       "[" + std::to_string(i) + "]";
    SLUICE_ASSIGN_OR_RETURN(JsonObject member,
                            JsonObject::of((*list)[i], part.fileName(), path));
    members.push_back(member);
  }
  return members;
}

Result<TokenizerState::Split> readSplit(const JsonObject &part) {
  SLUICE_ASSIGN_OR_RETURN(std::string behavior, part.string("behavior"));
  SLUICE_ASSIGN_OR_RETURN(bool invert, part.booleanOr("invert", false));
  bool isolated = behavior == "Isolated";
  if (!isolated && behavior != "Removed")
    return part.mismatch("behavior", "'Isolated' or 'Removed'",
                         ErrorCode::Unsupported);
  SLUICE_ASSIGN_OR_RETURN(JsonObject pattern, part.object("pattern"));
  std::string_view key = pattern.has("String") ? "String" : "Regex";
  SLUICE_ASSIGN_OR_RETURN(std::string text, pattern.string(key));
  auto compile =
      key == "String" ? SplitPattern::literal : SplitPattern::compile;
  SLUICE_ASSIGN_OR_RETURN(SplitPattern compiled,
                          compile(text, pattern.where(key)));
  return TokenizerState::Split{std::move(compiled), isolated || invert,
                               isolated || !invert};
}

} // namespace

Result<bool> readNormalizer(const JsonObject &root) {
  if (!root.has("normalizer"))
    return false;
  SLUICE_ASSIGN_OR_RETURN(JsonObject normalizer, root.object("normalizer"));
  SLUICE_ASSIGN_OR_RETURN(std::vector<JsonObject> members,
                          membersOf(normalizer, "normalizers"));
  for (const JsonObject &member : members) {
    SLUICE_ASSIGN_OR_RETURN(std::string type, member.string("type"));
    if (type != "NFC")
      return member.mismatch("type", "'NFC'", ErrorCode::Unsupported);
  }
  return !members.empty();
}

Result<std::vector<TokenizerState::Split>> readSplits(const JsonObject &root) {
  SLUICE_ASSIGN_OR_RETURN(JsonObject part, root.object("pre_tokenizer"));
  SLUICE_ASSIGN_OR_RETURN(std::vector<JsonObject> members,
                          membersOf(part, "pretokenizers"));
  std::vector<TokenizerState::Split> splits;
  for (size_t i = 0; i < members.size(); ++i) {
    const JsonObject &member = members[i];
    SLUICE_ASSIGN_OR_RETURN(std::string type, member.string("type"));
    if (type == "ByteLevel") {
      SLUICE_ASSIGN_OR_RETURN(bool prefix, member.boolean("add_prefix_space"));
      if (prefix)
        return member.mismatch("add_prefix_space", "false",
                               ErrorCode::Unsupported);
      if (i + 1 < members.size())
        return member.mismatch("type", "ByteLevel at the end of the list",
                               ErrorCode::Unsupported);
      SLUICE_ASSIGN_OR_RETURN(bool useRegex,
                              member.booleanOr("use_regex", true));
      if (useRegex) {
        SLUICE_ASSIGN_OR_RETURN(
            SplitPattern compiled,
            SplitPattern::compile(kByteLevelPattern,
                                  member.where("use_regex")));
        splits.push_back({std::move(compiled), true, true});
      }
      return splits;
    }
    if (type != "Split")
      return member.mismatch("type", "'Split' or 'ByteLevel'",
                             ErrorCode::Unsupported);
    SLUICE_ASSIGN_OR_RETURN(TokenizerState::Split split, readSplit(member));
    splits.push_back(std::move(split));
  }
  return part.mismatch("pretokenizers", "a list that ends with ByteLevel",
                       ErrorCode::Unsupported);
}

} // namespace sluice::text
