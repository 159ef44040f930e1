-- Sixteen requests in each write.
init = function(args)
    local one = wrk.format("GET", wrk.path)
    batch = string.rep(one, 16)
end

request = function()
    return batch
end
