-- What the events of a revocation tell besides the token.

-- A text that its caller gave, where it is not '', or else another or nil.
local function told(given, otherwise)
  if given ~= '' then return given end
  return otherwise
end
