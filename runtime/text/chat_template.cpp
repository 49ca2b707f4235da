//===- chat_template.cpp ----------------------------------------*- C++ -*-===//
#include "runtime/text/chat_template.h"
#include "runtime/core/hash.h"
#include "runtime/core/json.h"
#include "runtime/io/file.h"

#include <algorithm>
#include <filesystem>

namespace sluice::text {
namespace {

struct KnownTemplate {
  uint64_t hash; ///< hash64 of the program without white space.
  ChatTemplateKind kind;
};

// make_chat_oracle.py prints the hash of a template and its renderings.
constexpr KnownTemplate kKnown[] = {
    {0x7b549526cb5149beu, ChatTemplateKind::ChatMl}, // the demo model
    {0x018186641bc737beu, ChatTemplateKind::Qwen3},  // Qwen3, second edition
    {0xf1317766b6c277e0u, ChatTemplateKind::Qwen3},  // Qwen3, first edition
    {0xc5a1cb66a0b3a5c7u,
     ChatTemplateKind::Qwen3Thinking},               // Qwen3-...-Thinking-2507
    {0xcda03276452bda7fu, ChatTemplateKind::ChatMl}, // Qwen3-...-Instruct-2507
};

std::string_view nameOf(ChatRole role) {
  switch (role) {
  case ChatRole::System:
    return "system";
  case ChatRole::User:
    return "user";
  case ChatRole::Assistant:
    return "assistant";
  }
  return "";
}

std::string_view stripLeft(std::string_view text) {
  return text.substr(std::min(text.find_first_not_of('\n'), text.size()));
}

std::string_view stripRight(std::string_view text) {
  return text.substr(0, text.find_last_not_of('\n') + 1);
}

/// What Qwen3's template makes of an assistant's message.
struct Turn {
  std::string_view reasoning, content;
};

Turn readTurn(const ChatMessage &message) {
  Turn turn{{}, message.content};
  if (message.reasoning) {
    turn.reasoning = *message.reasoning;
    return turn;
  }
  std::string_view text = message.content;
  size_t first = text.find("</think>");
  if (first == std::string_view::npos)
    return turn;
  turn.content = stripLeft(text.substr(text.rfind("</think>") + 8));
  turn.reasoning = stripRight(text.substr(0, first));
  if (size_t open = turn.reasoning.rfind("<think>");
      open != std::string_view::npos)
    turn.reasoning.remove_prefix(open + 7);
  turn.reasoning = stripLeft(turn.reasoning);
  return turn;
}

/// Joins parts of the same kind.
class Writer {
public:
  void fixed(std::string_view text) { add(text, SpecialTokens::Parse); }
  void said(std::string_view text) { add(text, SpecialTokens::Literal); }
  std::vector<TextPiece> take() { return std::move(pieces); }

private:
  void add(std::string_view text, SpecialTokens specials) {
    if (text.empty())
      return;
    if (pieces.empty() || pieces.back().specials != specials)
      pieces.push_back({"", specials});
    pieces.back().text += text;
  }
  std::vector<TextPiece> pieces;
};

/// The last message of a user: only thoughts after it are kept. A tool's answer
/// in a user's name does not count.
size_t lastQuery(std::span<const ChatMessage> messages) {
  for (size_t i = messages.size(); i-- > 0;) {
    const std::string &content = messages[i].content;
    if (messages[i].role == ChatRole::User &&
        !(content.starts_with("<tool_response>") &&
          content.ends_with("</tool_response>")))
      return i;
  }
  return messages.size() - 1;
}

/// The program with white space taken out: files differ in its indentation.
std::string withoutSpace(std::string_view source) {
  std::string text;
  std::copy_if(
      source.begin(), source.end(), std::back_inserter(text),
      [](char c) { return c != ' ' && c != '\n' && c != '\r' && c != '\t'; });
  return text;
}

} // namespace

Result<ChatTemplate> ChatTemplate::recognize(std::string_view source,
                                             std::string_view where) {
  uint64_t hash = hash64(withoutSpace(source));
  for (const KnownTemplate &known : kKnown)
    if (known.hash == hash)
      return ChatTemplate(known.kind);
  return Status(ErrorCode::Unsupported,
                std::string(where) +
                    ": found a chat template that Sluice does not know (" +
                    inQuotes(source, 60) +
                    "), expected plain ChatML or one of Qwen3's; use --prompt "
                    "with the text of the whole conversation instead");
}

Result<ChatTemplate> ChatTemplate::open(const std::string &directory) {
  std::string program = directory + "/chat_template.jinja";
  std::error_code ignored;
  if (std::filesystem::exists(program, ignored)) {
    SLUICE_ASSIGN_OR_RETURN(std::string source, readTextFile(program));
    return recognize(source, program);
  }
  std::string path = directory + "/tokenizer_config.json";
  SLUICE_ASSIGN_OR_RETURN(std::string text, readTextFile(path));
  SLUICE_ASSIGN_OR_RETURN(nlohmann::json value, parseJson(text, path));
  SLUICE_ASSIGN_OR_RETURN(JsonObject config, JsonObject::of(value, path));
  const nlohmann::json *found = config.find("chat_template");
  if (!found)
    return config.mismatch("chat_template", "a chat template",
                           ErrorCode::NotFound);
  if (const auto *source = found->get_ptr<const std::string *>())
    return recognize(*source, config.where("chat_template"));
  if (!found->is_array())
    return config.mismatch("chat_template", "a string or an array");
  for (size_t i = 0; i < found->size(); ++i) {
    std::string key = "chat_template[" + std::to_string(i) + "]";
    SLUICE_ASSIGN_OR_RETURN(JsonObject entry,
                            JsonObject::of((*found)[i], path, key));
    SLUICE_ASSIGN_OR_RETURN(std::string name, entry.string("name"));
    SLUICE_ASSIGN_OR_RETURN(std::string source, entry.string("template"));
    if (name == "default")
      return recognize(source, entry.where("template"));
  }
  return config.mismatch("chat_template", "a template named 'default'",
                         ErrorCode::NotFound);
}

Result<std::vector<TextPiece>>
ChatTemplate::render(std::span<const ChatMessage> messages,
                     const ChatOptions &options) const {
  if (messages.empty())
    return Status(ErrorCode::InvalidArgument,
                  "chat: found no message, expected at least one");
  Writer writer;
  size_t query = lastQuery(messages);
  for (size_t i = 0; i < messages.size(); ++i) {
    const ChatMessage &message = messages[i];
    writer.fixed("<|im_start|>");
    writer.fixed(nameOf(message.role));
    writer.fixed("\n");
    if (form == ChatTemplateKind::ChatMl ||
        message.role != ChatRole::Assistant) {
      writer.said(message.content);
    } else {
      Turn turn = readTurn(message);
      if (i > query && (i + 1 == messages.size() || !turn.reasoning.empty())) {
        writer.fixed("<think>\n");
        writer.said(stripLeft(stripRight(turn.reasoning)));
        writer.fixed("\n</think>\n\n");
        writer.said(stripLeft(turn.content));
      } else {
        writer.said(turn.content);
      }
    }
    writer.fixed("<|im_end|>\n");
  }
  if (options.addGenerationPrompt) {
    writer.fixed("<|im_start|>assistant\n");
    if (form == ChatTemplateKind::Qwen3Thinking)
      writer.fixed("<think>\n");
    else if (form == ChatTemplateKind::Qwen3 && !options.enableThinking)
      writer.fixed("<think>\n\n</think>\n\n");
  }
  return writer.take();
}

} // namespace sluice::text
