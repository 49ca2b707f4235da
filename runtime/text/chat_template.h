//===- chat_template.h - Conversations as the model knows them --*- C++ -*-===//
//
// A checkpoint carries its chat template as a Jinja program. Sluice runs none:
// it recognises the programs it knows and writes the same text itself.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/text/tokenizer.h"

namespace sluice::text {

enum class ChatRole { System, User, Assistant };

struct ChatMessage {
  ChatRole role;
  std::string content;
  /// An assistant's thoughts, when they are known apart from the content.
  std::optional<std::string> reasoning = std::nullopt;
};

struct ChatOptions {
  /// Ends with the start of the assistant's turn.
  bool addGenerationPrompt = true;
  /// false tells a Qwen3 model not to think first. Templates that cannot say so
  /// ignore it, as they do in Python.
  bool enableThinking = true;
};

/// The known templates. For messages that are plain text, without tools, each
/// gives what the Jinja program gives.
enum class ChatTemplateKind {
  ChatMl, ///< Every turn alike: Qwen3-...-Instruct-2507 and the demo model.
  Qwen3,  ///< Drops old thoughts; enableThinking false closes them.
  Qwen3Thinking, ///< The same, and always opens them (Qwen3-...-Thinking-2507).
};

class ChatTemplate {
public:
  explicit ChatTemplate(ChatTemplateKind kind) : form(kind) {}

  /// Recognises the Jinja program `source`; another one is an error. `where`
  /// names file and key.
  static Result<ChatTemplate> recognize(std::string_view source,
                                        std::string_view where);
  /// The template of a checkpoint: chat_template.jinja in `directory`, else
  /// chat_template (a program, or a list with one named "default") in
  /// tokenizer_config.json.
  static Result<ChatTemplate> open(const std::string &directory);

  ChatTemplateKind kind() const { return form; }

  /// The conversation's text. What the template writes parses special tokens;
  /// what people wrote does not, so that a `<|im_end|>` in a message ends no
  /// turn (Hugging Face's apply_chat_template would let it). Give all of it to
  /// Tokenizer::encode. No message is an error.
  Result<std::vector<TextPiece>> render(std::span<const ChatMessage> messages,
                                        const ChatOptions &options = {}) const;

private:
  ChatTemplateKind form;
};

} // namespace sluice::text
