module corridor.invalid/examples/transfer

go 1.24
