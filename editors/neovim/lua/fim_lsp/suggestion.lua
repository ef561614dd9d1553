--- Suggestions as values. Columns are bytes from 0, as in nvim_buf_*; nothing here touches a buffer.
---
---     foo(|))          text = "a, b)"   covered = ")"   rest = "))"
---     foo(a, b))       accepting replaces what is covered by the text
local M = {}

---@class fim_lsp.Suggestion
---@field text string what is to stand at the cursor, lines joined by \n
---@field covered string text right of the cursor that accepting replaces
---@field item? table lsp.InlineCompletionItem it came as

---@class fim_lsp.Place
---@field row integer
---@field col integer
---@field before string the line left of the cursor
---@field rest string the line right of it

--- Read an item as it came from the server.
---@param item table lsp.InlineCompletionItem
---@param place fim_lsp.Place
---@param encoding string of its columns
---@return fim_lsp.Suggestion?
function M.decode(item, place, encoding)
  local sent = item
  item = vim.deepcopy(item)
  for _, edge in ipairs({ 'start', 'end' }) do
    if item.range and item.range[edge].line == place.row then
      item.range[edge].character = vim.str_byteindex(place.before .. place.rest, encoding, item.range[edge].character, false)
    end
  end
  local read = M.read(item, place)
  if read then
    read.item = sent
  end
  return read
end

--- Read an item of the server for a cursor; nil where it does not fit there any more.
---@param item table lsp.InlineCompletionItem, its range in byte columns already
---@param place fim_lsp.Place
---@return fim_lsp.Suggestion?
function M.read(item, place)
  local text = type(item.insertText) == 'table' and item.insertText.value or item.insertText
  local from, to = place.col, place.col
  if item.range then
    if item.range.start.line ~= place.row or item.range['end'].line ~= place.row then
      return nil
    end
    from, to = item.range.start.character, item.range['end'].character
  end
  if from > place.col or to < place.col then
    return nil
  end
  local again = place.before:sub(from + 1) -- what stands already, when the item starts left of the cursor
  if not vim.startswith(text, again) or #text == #again then
    return nil
  end
  return { text = text:sub(#again + 1):gsub('\r\n?', '\n'), covered = place.rest:sub(1, to - place.col) }
end

--- What is left of a suggestion after the user typed along it; nil when they went elsewhere.
---@param old fim_lsp.Suggestion
---@param was fim_lsp.Place
---@param now fim_lsp.Place
---@return fim_lsp.Suggestion?
function M.advance(old, was, now)
  if now.row ~= was.row or now.col < was.col or not vim.startswith(now.before, was.before) then
    return nil
  end
  local typed = now.before:sub(#was.before + 1)
  local gone = #was.rest - #now.rest -- closing brackets typed over
  if gone < 0 or gone > #old.covered or was.rest:sub(gone + 1) ~= now.rest then
    return nil
  end
  if not vim.startswith(old.text, typed) or #typed == #old.text then
    return nil
  end
  return { text = old.text:sub(#typed + 1), covered = old.covered:sub(gone + 1), item = old.item }
end

--- Split a suggestion after its first `length` bytes.
---@param whole fim_lsp.Suggestion
---@param length integer
---@return fim_lsp.Suggestion taken, fim_lsp.Suggestion? left
function M.split(whole, length)
  if length >= #whole.text then
    return whole, nil
  end
  -- The covered text stands again at the end of the suggestion: only what reaches into it takes some away.
  local own = #whole.text - (vim.endswith(whole.text, whole.covered) and #whole.covered or 0)
  local eaten = math.max(0, length - own)
  return { text = whole.text:sub(1, length), covered = whole.covered:sub(1, eaten) },
    { text = whole.text:sub(length + 1), covered = whole.covered:sub(eaten + 1), item = whole.item }
end

local HAN = vim.fn.charclass('中')
local HAN_MOST = 2 -- characters: no blanks part Chinese words, and most have one or two

--- Bytes of the next word, or of the next signs, with the blanks before; a word ends where the script changes.
---@param text string
---@return integer
function M.word(text)
  local stop = #text:match('^%s*')
  local class, count = nil, 0
  for _, char in ipairs(vim.fn.split(text:sub(stop + 1), [[\zs]])) do
    local its = vim.fn.charclass(char)
    if its ~= (class or its) or (class == HAN and count == HAN_MOST) then
      break
    end
    class, count, stop = its, count + 1, stop + #char
  end
  return stop
end

--- Bytes up to the end of the next line; a leading break belongs to the line it begins.
---@param text string
---@return integer
function M.line(text)
  local stop = text:find('\n', 2, true)
  return stop and stop - 1 or #text
end

--- What of the text is new to the eye: without the covered end that stands on screen already.
---@param shown fim_lsp.Suggestion
---@return string[] lines
function M.ghost(shown)
  local text = shown.text
  if not text:find('\n', 1, true) and vim.endswith(text, shown.covered) then
    text = text:sub(1, #text - #shown.covered)
  end
  return vim.split(text, '\n', { plain = true })
end

return M
