"""The page. One file a tab; handlers parse, call the studio once, and format."""
