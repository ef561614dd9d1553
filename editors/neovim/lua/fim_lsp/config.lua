--- Options as the user gave them, checked: what is wrong is named once, and the default stands in for it.
local M = {}

---@class fim_lsp.Setting a setting of the server, from settings.lua
---@field key string
---@field type 'string'|'integer'|'boolean'|'string[]'|'table'
---@field default any
---@field enum? string[]
---@field min? integer
---@field max? integer
---@field former? string what earlier releases called it
---@field wanted string what it accepts, in words
---@field doc string

---@type fim_lsp.Config?
local current

---@param given table? options of `setup()`
---@return fim_lsp.Config config, string[] problems
function M.resolve(given)
  given = given or {}
  local problems = {} ---@type string[]
  if type(given) ~= 'table' then
    return M.resolve({}), { 'setup() takes a table, not ' .. type(given) }
  end
  local config = { settings = {} }
  local known = { settings = true }
  for _, option in ipairs(require('fim_lsp.schema')) do
    M.put(config, option.key, M.choose(option, M.pick(given, option.key), option.key, problems))
    known[option.key] = true
  end
  local settings = type(given.settings) == 'table' and given.settings or {}
  if given.settings ~= nil and type(given.settings) ~= 'table' then
    problems[#problems + 1] = 'settings is not a table; it is ignored'
  end
  for _, setting in ipairs(require('fim_lsp.settings')) do
    local value = M.pick(settings, setting.key)
    local old = setting.former and M.pick(settings, setting.former)
    if old ~= nil then
      problems[#problems + 1] = ('settings.%s is called settings.%s now'):format(setting.former, setting.key)
      known['settings.' .. setting.former] = true
    end
    if value == nil then
      value = old
    end
    if value ~= nil then
      M.put(config.settings, setting.key, M.choose(setting, value, 'settings.' .. setting.key, problems))
    end
    known['settings.' .. setting.key] = true
  end
  for _, key in ipairs(M.strangers(given, known)) do
    problems[#problems + 1] = ('%s: no such option; it is ignored (:help fim_lsp-options)'):format(key)
  end
  return config, problems
end

--- Take options, once or again; says what is wrong with them.
---@param given table?
function M.set(given)
  local problems
  current, problems = M.resolve(given)
  for _, problem in ipairs(problems) do
    vim.notify('fim-lsp: ' .. problem, vim.log.levels.WARN)
  end
end

---@return fim_lsp.Config
function M.get()
  if not current then
    M.set({})
  end
  return assert(current)
end

--- What a setting of the server is, given or not.
---@param key string
---@return any
function M.setting(key)
  local value = M.pick(M.get().settings, key)
  for _, setting in ipairs(require('fim_lsp.settings')) do
    if setting.key == key and value == nil then
      return setting.default
    end
  end
  return value
end

---@param option fim_lsp.Option|fim_lsp.Setting
---@param value any
---@param name string as the user knows it
---@param problems string[] is appended to
---@return any
function M.choose(option, value, name, problems)
  if value == nil then
    return vim.deepcopy(option.default)
  end
  if M.fits(option, value) then
    return value
  end
  problems[#problems + 1] = ('%s = %s is not %s; using %s'):format(
    name,
    vim.inspect(value),
    option.wanted or (option.type:gsub('|', ' or ')),
    vim.inspect(option.default)
  )
  return vim.deepcopy(option.default)
end

---@param option fim_lsp.Option|fim_lsp.Setting
---@param value any
function M.fits(option, value)
  local good = false
  for kind in vim.gsplit(option.type, '|', { plain = true }) do
    if kind == 'string[]' then
      good = good or vim.islist(value) and vim.iter(value):all(function(word)
        return type(word) == 'string' and word ~= ''
      end)
    elseif kind == 'integer' then
      good = good or type(value) == 'number' and value % 1 == 0 and value >= (option.min or 0) and value <= (option.max or math.huge)
    elseif kind == 'false' then
      good = good or value == false
    else
      good = good or type(value) == kind
    end
  end
  return good and (option.enum == nil or vim.list_contains(option.enum, value))
end

--- Read `a.b`, written either as nested tables or as one key.
---@param from table
---@param key string
function M.pick(from, key)
  if from[key] ~= nil then
    return from[key]
  end
  local head, rest = key:match('^([^.]+)%.(.+)$')
  if head and type(from[head]) == 'table' then
    return M.pick(from[head], rest)
  end
end

---@param into table
---@param key string
---@param value any
function M.put(into, key, value)
  local head, rest = key:match('^([^.]+)%.(.+)$')
  if not head then
    into[key] = value
    return
  end
  into[head] = into[head] or {}
  M.put(into[head], rest, value)
end

---@param given table
---@param known table<string, true>
---@param prefix? string
---@return string[]
function M.strangers(given, known, prefix)
  local found = {} ---@type string[]
  for name, value in vim.spairs(given) do
    local key = (prefix or '') .. tostring(name)
    local is_group = vim.iter(known):any(function(other)
      return vim.startswith(other, key .. '.')
    end)
    if is_group and type(value) == 'table' then
      vim.list_extend(found, M.strangers(value, known, key .. '.'))
    elseif not known[key] then
      found[#found + 1] = key
    end
  end
  return found
end

return M
