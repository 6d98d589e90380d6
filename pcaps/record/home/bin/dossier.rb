require "net/http"
puts Net::HTTP.get(URI("https://centralops.net/co/DomainDossier.aspx?addr=example.com"))
