--- The answer to `fimLsp/compare` as lines: code with the suggestion in place, then where the time went.
local M = {}

local NAMES = { gpt = 'GPT-style decoder', bert = 'BERT-style infiller' }
local COLOURS = {
  prefill = 'DiagnosticInfo',
  read = 'DiagnosticInfo',
  decode = 'DiagnosticWarn',
  fill = 'DiagnosticWarn',
  filters = 'DiagnosticOk',
}
local STAGES = { 'tokenize', 'prefill', 'read', 'decode', 'fill', 'filters', 'rest' } -- as they run
local CONDITIONS = { 'cold', 'warm' }
local BAR_CELLS, LEAST_CELLS, APART_CELLS = 24, 38, 3
local ABOVE, BELOW = 3, 2
local TELLING_MS = 0.5

---@class fim_lsp.Scene
---@field above string[] lines above the cursor's
---@field place fim_lsp.Place
---@field below string[]
---@field tabstop integer
---@field suggestions table<integer, fim_lsp.Suggestion> by side; none where a side has none

---@class fim_lsp.Run
---@field totalMs number
---@field timings table<string, number>
---@field tokens table<string, integer>

---@class fim_lsp.Side
---@field family string
---@field error string
---@field item? table
---@field confidence? number
---@field reason string
---@field runs table<string, fim_lsp.Run>

---@class fim_lsp.Comparison
---@field reason string
---@field choice { family: string, why: string, expectedMs: table<string, number> }
---@field taken string
---@field rounds integer
---@field sides fim_lsp.Side[]

local function columns()
  return require('fim_lsp.columns')
end

--- What is around the cursor.
---@param asked fim_lsp.Compared
---@return fim_lsp.Scene
function M.scene(asked)
  local buf, place = asked.buf, asked.place
  return {
    above = vim.api.nvim_buf_get_lines(buf, math.max(place.row - ABOVE, 0), place.row, false),
    place = place,
    below = vim.api.nvim_buf_get_lines(buf, place.row + 1, place.row + 1 + BELOW, false),
    tabstop = vim.bo[buf].tabstop,
    suggestions = asked.suggestions,
  }
end

--- The whole window; the sides beside each other where that fits into `room` cells.
---@param answer fim_lsp.Comparison
---@param scene fim_lsp.Scene
---@param room integer
---@return fim_lsp.Line[]
function M.lines(answer, scene, room)
  local longest, sides = 1, {}
  for _, side in ipairs(answer.sides) do
    for _, run in pairs(side.runs) do
      longest = math.max(longest, run.totalMs)
    end
  end
  local half = math.floor((room - APART_CELLS) / 2)
  for index in ipairs(answer.sides) do
    sides[index] = M.side(index, answer, scene, longest, math.max(half, LEAST_CELLS))
  end
  local fits = columns().width(sides[1]) + APART_CELLS + columns().width(sides[2]) <= room
  local body = columns()[fits and 'beside' or 'stacked'](sides[1], sides[2])
  local head = columns().wrap(M.route(answer), math.min(room, math.max(columns().width(body), LEAST_CELLS)), 'Comment')
  return columns().stacked(head, body)
end

--- Whom a request here goes to, and why.
---@param answer fim_lsp.Comparison
---@return string
function M.route(answer)
  local choice = answer.choice
  if choice.family == '' then
    return 'goes to nobody: neither family can be loaded'
  end
  local onward = answer.taken ~= '' and answer.taken ~= choice.family and ', which hands over to ' .. answer.taken or ''
  local rounds = answer.rounds > 1 and ('median of %d rounds'):format(answer.rounds) or 'one round'
  return ('goes to %s%s (%s); %s'):format(choice.family, onward, choice.why, rounds)
end

---@param index integer
---@param answer fim_lsp.Comparison
---@param scene fim_lsp.Scene
---@param longest number milliseconds that a whole bar stands for
---@param width integer
---@return fim_lsp.Line[]
function M.side(index, answer, scene, longest, width)
  local side, line = answer.sides[index], columns().line
  local taken = side.family == answer.taken and { '  ● taken', 'DiagnosticOk' } or { '' }
  local lines = { line({ tostring(index), 'Special' }, { '  ' .. (NAMES[side.family] or side.family), 'Title' }, taken) }
  if side.error ~= '' then
    return vim.list_extend(lines, columns().wrap(side.error, width, 'DiagnosticError'))
  end
  vim.list_extend(lines, M.code(scene, scene.suggestions[index]))
  lines[#lines + 1] = line()
  local said = type(side.confidence) == 'number' and ('%.0f %% sure'):format(100 * side.confidence) or 'nothing to show: ' .. side.reason
  vim.list_extend(lines, columns().wrap(said, width))
  local expected = answer.choice.expectedMs[side.family]
  if expected then
    lines[#lines + 1] = line({ ('expected %4.0f ms'):format(expected), 'Comment' })
  end
  for _, condition in ipairs(CONDITIONS) do
    if side.runs[condition] then
      vim.list_extend(lines, M.run(condition, side.runs[condition], longest, width))
    end
  end
  return lines
end

--- The code as it would be, the suggestion marked as ghost text is.
---@param scene fim_lsp.Scene
---@param suggestion? fim_lsp.Suggestion
---@return fim_lsp.Line[]
function M.code(scene, suggestion)
  local lines, place = {}, scene.place
  local function add(...)
    local parts = vim.tbl_map(function(part)
      return { require('fim_lsp.ghost').widen(part[1], scene.tabstop), part[2] }
    end, { ... })
    lines[#lines + 1] = columns().line({ '  ' }, unpack(parts))
  end
  for _, text in ipairs(scene.above) do
    add({ text })
  end
  local ghost = vim.split(suggestion and suggestion.text or '', '\n', { plain = true })
  local rest = place.rest:sub(#(suggestion and suggestion.covered or '') + 1)
  for row, text in ipairs(ghost) do
    add({ row == 1 and place.before or '' }, { text, 'FimLspGhost' }, { row == #ghost and rest or '' })
  end
  for _, text in ipairs(scene.below) do
    add({ text })
  end
  return lines
end

--- A run: its time, a bar of its stages, and what each of them took.
---@param condition string
---@param run fim_lsp.Run
---@param longest number
---@param width integer
---@return fim_lsp.Line[]
function M.run(condition, run, longest, width)
  local line, bar, told, counts, spent = columns().line, {}, {}, {}, vim.deepcopy(run.timings)
  spent.rest = run.totalMs
  for _, ms in pairs(run.timings) do
    spent.rest = math.max(spent.rest - ms, 0)
  end
  for _, stage in ipairs(STAGES) do
    local ms = spent[stage] or 0
    bar[#bar + 1] = { ('█'):rep(math.floor(BAR_CELLS * ms / longest + 0.5)), COLOURS[stage] or 'Comment' }
    told[#told + 1] = ms >= TELLING_MS and ('%s %.1f'):format(stage, ms) or nil
  end
  for name, count in vim.spairs(run.tokens) do
    counts[#counts + 1] = ('%d %s'):format(count, name)
  end
  local lines = { line({ ('%-8s %4.0f ms  '):format(condition, run.totalMs) }, unpack(bar)) }
  for _, words in ipairs({ told, counts }) do
    vim.list_extend(lines, columns().wrap(table.concat(words, ', '), width, 'Comment'))
  end
  return lines
end

return M
