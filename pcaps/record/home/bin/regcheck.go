package main

import (
	"fmt"
	"io"
	"net/http"
)

func main() {
	answer, err := http.Get("https://rdap.arin.net/registry/autnum/15169")
	if err != nil {
		panic(err)
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(answer.Body)
	fmt.Println(string(body))
}
