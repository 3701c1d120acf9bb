"""The figures of the monthly record: counted from judged rows, whole or by what changed. Pure."""
